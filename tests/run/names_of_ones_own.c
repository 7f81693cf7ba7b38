/* A program's functions may have the names that the library's parts have for each other, and, under
 * the detector too, names of libc's: everybody calls his own.  Its macros may have any short name:
 * the library's macros expand to none. */
// stdout: ok
#include "expect.h"

#define C 2
#define G 3
#define M 4
#define N 100
#define P 5
#define T 6

static int calls;

/* Under that name for the linker, whatever a header declares. */
#define OWN(name)                        \
    int own_##name(void) __asm__(#name); \
    int own_##name(void)                 \
    {                                    \
        return ++calls;                  \
    }
/* The last three are libc's. */
#define NAMES(X)      \
    X(chan_close)     \
    X(chan_get)       \
    X(dump_all)       \
    X(env_read)       \
    X(fd_wait)        \
    X(flight_init)    \
    X(g_alloc)        \
    X(heap_add)       \
    X(mutex_lock)     \
    X(panic_exit)     \
    X(pool_get)       \
    X(race_report)    \
    X(rc_acquire)     \
    X(rc_read)        \
    X(report_race)    \
    X(rt_lock)        \
    X(rt_real_malloc) \
    X(runq_steal)     \
    X(sched)          \
    X(sched_init)     \
    X(sema_lock)      \
    X(shadow_at)      \
    X(signals_init)   \
    X(stack_size)     \
    X(switch_call)    \
    X(symbol_frames)  \
    X(text_init)      \
    X(text_printf)    \
    X(timer_has)      \
    X(tr_writer_make) \
    X(unwind_here)    \
    X(vm_reserve)     \
    X(worker_start)   \
    X(getline)        \
    X(tee)            \
    X(strxfrm)
NAMES(OWN)

static go_chan(int) numbers;
static go_mutex mu;
static int sum;

static void feed(int from)
{
    for (int i = from; i <= N; i++)
        go_chan_send(numbers, i);
    go_chan_close(numbers);
}

static void eat(void)
{
    go_chan_range(int, v, numbers) {
        go_mutex_lock(&mu);
        sum += v;
        go_mutex_unlock(&mu);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    numbers = go_chan_make(int, 4);
    go_waitgroup wg = {0};
    go_defer(go_chan_free, numbers);
    go_waitgroup_go(&wg, feed, 1);
    for (int i = 0; i < 4; i++)
        go_waitgroup_go(&wg, eat);
    go_waitgroup_wait(&wg);
    go_sleep(GO_MILLISECOND);
    EXPECT(sum == 5050);
    EXPECT(C + G + M + P + T == 20);
    EXPECT(calls == 0);
    int n = 0;
#define CALL(name) EXPECT(own_##name() == ++n);
    NAMES(CALL)
    puts("ok");
    return 0;
}
