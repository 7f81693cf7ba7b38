/* deadlock.c - nothing can run any more.
 *
 * When all Ms sleep and no timer pends, only a thread that is not ours can wake a goroutine.  Our
 * own are the Ms, the thread in go_run(), the monitor and sysmon; an emulator of user mode has one
 * more, and so has ThreadSanitizer.  Two kinds of others cannot do anything either: those that have
 * ended but are still listed (a main thread that left by pthread_exit()), and those that wait in
 * pthread_join() for the thread in go_run(), or for one that waits so itself.  The kernel tells:
 * such a thread is in futex(2), without a time limit, and the value it waits on is the id of the
 * thread it joins, in that thread's own record.  Where /proc/self/task/N/syscall cannot be read,
 * such threads count as able to wake somebody.  While others exist the monitor looks again from
 * time to time, since they may end. */
#include "deadlock.h"
#include "atomic.h"
#include "entry.h"
#include "panic.h"
#include "proc.h"
#include "scheduler.h"
#include "signals.h"
#include "spawn.h"
#include "sysmon.h"
#include "thread.h"
#include "vmem.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<linux/futex.h>)
#include <linux/futex.h>
#else /* a libc that comes without the kernel's headers */
#define FUTEX_WAIT        0
#define FUTEX_WAIT_BITSET 9
#define FUTEX_CMD_MASK    (~384)
#endif

enum { THREADS_MAX = 64 }; /* others that are looked at closely */

static int runner; /* kernel id of the thread in go_run(); by that thread, before goroutines run */

void deadlock_note_runner(void)
{
    at_store_rlx(&runner, (int)syscall(SYS_gettid)); /* relaxed: read when nothing else runs */
}

/* ---- other threads ---- */

/* Reads /proc/self/task/TID/NAME as a string; false when it cannot be read. */
static bool read_task(int tid, const char *name, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, buf, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    buf[n] = 0;
    return true;
}

static bool has_ended(int tid)
{
    char stat[256];
    if (!read_task(tid, "stat", stat, sizeof stat))
        return false;
    const char *state = strrchr(stat, ')'); /* behind the name, which may have any characters */
    return state && (state[2] == 'Z' || state[2] == 'X');
}

/* The thread for which tid waits in pthread_join(), or 0. */
static int joins(int tid)
{
    char text[256];
    unsigned long a[4];
    long nr;
    if (!read_task(tid, "syscall", text, sizeof text) ||
        sscanf(text, "%ld %lx %lx %lx %lx", &nr, &a[0], &a[1], &a[2], &a[3]) != 5)
        return 0;
    int op = (int)a[1] & FUTEX_CMD_MASK;
    if (nr != SYS_futex || (op != FUTEX_WAIT && op != FUTEX_WAIT_BITSET) || a[3] != 0)
        return 0;
    return (int)a[2];
}

struct other {
    int tid, joins; /* joins: 0 if it can do something by itself */
};

/* True when the thread tid can do nothing before go_run() returns. */
static bool is_stuck(const struct other *others, size_t n, int tid)
{
    for (size_t steps = 0; steps <= n; steps++) {
        if (tid == at_load_rlx(&runner)) /* relaxed: written before goroutines ran */
            return true;
        size_t i = 0;
        while (i < n && others[i].tid != tid)
            i++;
        if (i == n || !others[i].joins)
            return false;
        tid = others[i].joins;
    }
    return false;
}

/* The kernel's own count.  The listing ends early when a thread in it ends meanwhile. */
static unsigned counted_threads(void)
{
    enum { STATE = 3, NUM_THREADS = 20 }; /* fields of proc(5) */
    char stat[1024];
    const char *p = NULL;
    if (read_task((int)getpid(), "stat", stat, sizeof stat))
        p = strrchr(stat, ')');
    for (int field = STATE - 1; p && field < NUM_THREADS; field++)
        p = strchr(p + 1, ' ');
    return p ? (unsigned)strtoul(p + 1, NULL, 10) : ~0u;
}

/* Threads of the process, without those that cannot do anything; a large number when unknown. */
static unsigned threads_of_process(void)
{
    struct other others[THREADS_MAX];
    unsigned n = 0, threads = 0, listed = 0;
    DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return ~0u; /* unknown: assume that there are others */
    for (struct dirent *e; (e = readdir(dir));) {
        int tid = atoi(e->d_name);
        listed += tid > 0;
        if (tid <= 0 || has_ended(tid))
            continue;
        int joined = joins(tid);
        if (joined && n < THREADS_MAX)
            others[n++] = (struct other){tid, joined};
        threads++;
    }
    closedir(dir);
    if (counted_threads() > listed)
        return ~0u;
    for (unsigned i = 0; i < n; i++)
        threads -= is_stuck(others, n, others[i].tid);
    return threads;
}

/* At most so many threads are the runtime's own: an M that ends is not counted any more. */
bool deadlock_others_exist(void)
{
    return threads_of_process() > worker_count() + 1 + signals_thread_count() +
                                      sysmon_thread_count() + vm_emulated() + GO_TSAN;
}

bool deadlock_is_still(void)
{
    uint64_t since;
    return sched_all_asleep(&since) && !deadlock_others_exist();
}

void deadlock_check(void)
{
    uint64_t since, again;
    uint32_t run = rt_run();
    if (!run || !sched_all_asleep(&since))
        return;
    if (deadlock_others_exist()) {
        signals_watch_deadlock();
        return;
    }
    /* The last thing that another thread did may have been to wake somebody; or the main goroutine
     * had returned when all slept, and the next run has begun. */
    if (!sched_all_asleep(&again) || again != since || rt_run() != run)
        return;
    panic_fatal_all(rt_main_exited() ? "no goroutines (main called runtime.Goexit) - deadlock!"
                                     : "all goroutines are asleep - deadlock!");
}
