/* The detector knows who holds a lock, so the report of a deadlock says it, without GOTRACEBACK. */
// only: race
// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
// case: another
// stderr: waits for waitgroup .* = pool\.tasks .*, count [12], to be done by goroutine 2
// stderr: waits for mutex .* = pool\.mu .*, held by goroutine 1 since go_main at .*:@another
// case: itself
// stderr: waits for mutex .* = pool\.mu .*, held by goroutine 1 since returns_early at .*:@early
// case: inlined
// stderr: waits for mutex .* = pool\.mu .*, held by goroutine 1 since takes_inlined at .*:@inlined
// case: ended
// stderr: waits for mutex .*, held by goroutine 2, which has ended, since takes at .*:@takes
// case: readers
// stderr: waits .* = rw .*, held by .* for reading since .*:@reads(, and by .*){3}, and 2 more, .*
// case: upgrade
// stderr: waits for rwmutex .* = rw .*, held by goroutine 1 for reading since .*:@upgrade, .*
// case: once
// stderr: waits for once .* = once .*, held by goroutine 1 since go_main at .*:@runs
#include "expect.h"

static struct {
    go_mutex mu;
    go_waitgroup tasks;
} pool;
static go_rwmutex rw;
static go_once once;

static void task(void)
{
    go_mutex_lock(&pool.mu);
    go_mutex_unlock(&pool.mu);
    go_waitgroup_done(&pool.tasks);
}

static __attribute__((noinline)) void returns_early(bool early)
{
    go_mutex_lock(&pool.mu); // @early
    if (early)
        return;
    go_mutex_unlock(&pool.mu);
}

static inline __attribute__((always_inline)) void takes_inlined(void)
{
    go_mutex_lock(&pool.mu); // @inlined
}

static void takes(void)
{
    go_mutex_lock(&pool.mu); // @takes
    go_waitgroup_done(&pool.tasks);
}

static void reads(void)
{
    go_rwmutex_rlock(&rw); // @reads
    go_waitgroup_done(&pool.tasks);
    go_chan_recv((go_chan(int))NULL);
}

static void runs_itself(void)
{
    go_once_do(&once, runs_itself);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    const char *what = argv[1];
    if (!strcmp(what, "another")) {
        go_mutex_lock(&pool.mu); // @another
        go_waitgroup_go(&pool.tasks, task);
        go_waitgroup_add(&pool.tasks, 1);
        go_waitgroup_wait(&pool.tasks);
    } else if (!strcmp(what, "itself")) {
        returns_early(true);
        returns_early(false);
    } else if (!strcmp(what, "inlined")) {
        takes_inlined();
        takes_inlined();
    } else if (!strcmp(what, "ended")) {
        go_waitgroup_add(&pool.tasks, 1);
        go(takes);
        go_waitgroup_wait(&pool.tasks);
        go_mutex_lock(&pool.mu);
    } else if (!strcmp(what, "readers")) {
        go_waitgroup_add(&pool.tasks, 6);
        for (int i = 0; i < 6; i++)
            go(reads);
        go_waitgroup_wait(&pool.tasks);
        go_rwmutex_lock(&rw);
    } else if (!strcmp(what, "once")) {
        go_once_do(&once, runs_itself); // @runs
    } else {
        go_rwmutex_rlock(&rw); // @upgrade
        go_rwmutex_lock(&rw);
    }
    return 0;
}
