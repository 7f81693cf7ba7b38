/* A goroutine that has locked its thread stays on it, and nobody else runs there; the calls nest.
 * Under a seed its sleep ends too, although its own thread is the last to rest. */
// stdout: ok
// case: free
// case: seeded
// procs: unset
// env: GOSHAWK_SEED=1
// case: seeded
// procs: unset
// env: GOSHAWK_SEED=2
#include "expect.h"

#include <sys/syscall.h>
#include <unistd.h>

static __attribute__((noinline)) long thread_id(void)
{
    return syscall(SYS_gettid);
}

static go_waitgroup wg;
static long locked_id;

static void wander(int n)
{
    for (int i = 0; i < n; i++) {
        EXPECT(thread_id() != locked_id);
        go_yield();
    }
}

static void stay(go_chan(int) c)
{
    long id = thread_id();
    locked_id = id;
    for (int i = 0; i < 200; i++) {
        go_chan_send(c, i);
        EXPECT(thread_id() == id);
        if (i % 50 == 0) {
            go_sleep(GO_MILLISECOND);
            EXPECT(thread_id() == id);
        }
    }
}

static void locked(go_chan(int) c)
{
    go_lock_thread();
    go_lock_thread();
    go_unlock_thread();
    stay(c);
    for (int i = 0; i < 4; i++)
        go_waitgroup_go(&wg, wander, 200);
    go_chan_close(c);
    go_waitgroup_wait(&wg);
    locked_id = 0;
    go_unlock_thread();
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    go_waitgroup all = {0};
    go_waitgroup_go(&all, locked, c);
    int next = 0;
    go_chan_range(int, v, c) {
        EXPECT(v == next);
        next++;
    }
    EXPECT(next == 200);
    go_waitgroup_wait(&all);
    puts("ok");
    return 0;
}
