/* What gdb.py looks at: parked goroutines of some kinds, one that computes, one not begun. */
#include "expect.h"

static go_mutex mu;
static volatile unsigned long work;
static volatile bool computing;

static __attribute__((noinline)) void reader(go_chan(int) c, int number)
{
    go_setname("reader");
    go_chan_recv(c);
    work += (unsigned long)number;
}

static __attribute__((noinline)) void locker(void)
{
    go_lock_thread();
    go_mutex_lock(&mu);
    work++;
}

static __attribute__((noinline)) void computer(void)
{
    for (computing = true;;)
        work++;
}

/* Until a debugger has stopped all threads, others may run: so each leaves another one behind. */
static void never_begun(void)
{
    go(never_begun);
}

static __attribute__((noinline)) void stop_here(void)
{
    __asm__ volatile("");
}

int go_main(int argc, char **argv)
{
    go_maxprocs(2);
    go_mutex_lock(&mu);
    go(reader, go_chan_make(int, 0), 42);
    go(locker);
    await_in_dump("sync.Mutex.Lock");
    await_in_dump("\"reader\"");
    go(computer);
    while (!computing)
        go_yield();
    for (int i = 0; i < 50; i++)
        go(never_begun);
    stop_here();
    if (argc > 1 && !strcmp(argv[1], "crash"))
        abort();
    return 0;
}
