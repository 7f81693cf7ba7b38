/* futex.c - see futex.h. */
#include "futex.h"
#include "atomic.h"
#include "check.h"
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<linux/futex.h>)
#include <linux/futex.h>
#else /* a libc that comes without the kernel's headers */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129
#endif

enum { SPIN_ROUNDS = 100, YIELD_ROUNDS = 20, NAP_NS = 50000 };

bool rt_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec ts, *limit = NULL;
    if (timeout_ns >= 0) {
        ts.tv_sec = timeout_ns / 1000000000;
        ts.tv_nsec = timeout_ns % 1000000000;
        limit = &ts;
    }
    int saved = errno;
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit, NULL, 0);
    bool timed_out = rc < 0 && errno == ETIMEDOUT;
    errno = saved;
    return !timed_out;
}

void rt_futex_wake(uint32_t *word, int n)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = saved;
}

void rt_lock_pause(unsigned round)
{
    int saved = errno;
    if (round < SPIN_ROUNDS)
        at_pause();
    else if (round < SPIN_ROUNDS + YIELD_ROUNDS)
        sched_yield();
    else
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    errno = saved;
}

void rt_lock_slow(struct rt_lock *l)
{
    unsigned round = 0;
    do
        rt_lock_pause(round++);
    while (at_load_rlx(&l->word) != 0 || !rt_trylock(l)); /* relaxed: the exchange decides */
}
