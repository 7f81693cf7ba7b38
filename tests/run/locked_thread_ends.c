/* A goroutine that ends while it has its thread locked ends the thread, on whose own stack the
 * destructors of thread-specific data run; its processor goes on with others.  Threads that start
 * meanwhile inherit nothing from it. */
// case: returns
// stdout: 50 threads ended
// case: exits
// stdout: 50 threads ended
// case: unlocks
// stdout: 0 threads ended
// case: state
// stdout: clean
// case: deadlock
// exit: 2
// stdout: 3 threads ended
// stderr: fatal error: all goroutines are asleep - deadlock!
// case: sleepers
// stdout: 5 threads ended
// case: sleepers
// env: GOSHAWK_SEED=3
// stdout: 5 threads ended
#include "expect.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static pthread_key_t key;
static go_sem ended;
static int ended_count;

/* Sends from here too: the thread is none of the scheduler's any more. */
static void thread_ends(void *arg)
{
    EXPECT(go_id() == 0);
    EXPECT((long)arg == syscall(SYS_gettid));
    __atomic_fetch_add(&ended_count, 1, __ATOMIC_RELAXED);
    go_sem_release(&ended, 1);
}

static __attribute__((noinline)) void mark_thread(void)
{
    pthread_setspecific(key, (void *)syscall(SYS_gettid));
}

static void locks(bool exits, bool unlocks)
{
    go_lock_thread();
    go_lock_thread();
    go_unlock_thread();
    if (unlocks)
        go_unlock_thread();
    else
        mark_thread();
    go_yield();
    if (exits)
        go_exit();
}

static void lock_many(int n, bool exits, bool unlocks)
{
    for (int i = 0; i < n; i++) {
        go_waitgroup wg = {0};
        go_waitgroup_go(&wg, locks, exits, unlocks);
        go_waitgroup_wait(&wg);
    }
    if (!unlocks)
        go_sem_acquire(&ended, n);
    printf("%d threads ended\n", __atomic_load_n(&ended_count, __ATOMIC_RELAXED));
    fflush(stdout);
}

/* Names of threads are inherited, too. */
static __attribute__((noinline)) bool is_stained(void)
{
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    return !strcmp(name, "stained");
}

static uint32_t here;

static void all_at_once(uint32_t n)
{
    EXPECT(!is_stained());
    __atomic_fetch_add(&here, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&here, __ATOMIC_RELAXED) < n)
        ; /* no yield: each needs a thread of its own */
    EXPECT(!is_stained());
}

static void stains(void)
{
    go_waitgroup wg = {0};
    go_lock_thread();
    prctl(PR_SET_NAME, "stained");
    go_maxprocs(6);
    for (int i = 0; i < 6; i++)
        go_waitgroup_go(&wg, all_at_once, 6u);
    go_blocking_begin();
    go_blocking_end();
    go_waitgroup_wait(&wg);
    EXPECT(is_stained());
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2 && pthread_key_create(&key, thread_ends) == 0);
    const char *what = argv[1];
    if (!strcmp(what, "returns"))
        lock_many(50, false, false);
    if (!strcmp(what, "exits"))
        lock_many(50, true, false);
    if (!strcmp(what, "unlocks"))
        lock_many(50, false, true);
    if (!strcmp(what, "state")) {
        go_waitgroup wg = {0};
        go_waitgroup_go(&wg, stains);
        go_waitgroup_wait(&wg);
        here = 0;
        for (int i = 0; i < 6; i++)
            go_waitgroup_go(&wg, all_at_once, 6u);
        go_waitgroup_wait(&wg);
        printf("clean\n");
    }
    if (!strcmp(what, "deadlock")) {
        lock_many(3, false, false);
        go_sem_acquire(&ended, 1);
    }
    if (!strcmp(what, "sleepers")) {
        for (int i = 0; i < 5; i++) {
            go(locks, true, false);
            go_sleep(GO_MILLISECOND);
        }
        go_sem_acquire(&ended, 5);
        printf("%d threads ended\n", ended_count);
    }
    return 0;
}
