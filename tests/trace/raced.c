/* raced.c - races for races.py, whose two sides the recording must tell: raced once|many|thread
 *
 * Relaxed atomics bring the accesses into an order of time, and into no other one. */
#include <goshawk.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int step;
long shared; /* what races is not static, or compilers see that nobody reads it */
struct {
    int head, tail;
} pair;
volatile int many[12]; /* one store each */
static go_mutex mu;

static void say(int n)
{
    __atomic_store_n(&step, n, __ATOMIC_RELAXED);
}

static void await(int n)
{
    while (__atomic_load_n(&step, __ATOMIC_RELAXED) != n)
        go_yield();
}

/* Ends an epoch of the goroutine, and is seen by the recorder. */
static void turn(void)
{
    go_mutex_lock(&mu);
    go_mutex_unlock(&mu);
    go_yield();
}

static void early(void)
{
    go_setname("early");
    for (int i = 0; i < 20; i++)
        turn();
    go_trace_log("mark", "before");
    shared = 1;
    go_trace_log("mark", "after");
    for (int i = 0; i < 20; i++)
        turn();
    say(1);
}

/* Its race is with a longer access than its own. */
static void early_pair(void)
{
    pair.tail = 1;
    say(2);
}

static void once(void)
{
    go(early);
    await(1);
    shared++;
    go(early_pair);
    await(2);
    memset(&pair, 0, sizeof pair);
}

static void racer(void)
{
    for (int i = 0; i < 12; i++)
        many[i] = 1;
    say(1);
}

static void all(void)
{
    go(racer);
    await(1);
    many[0] = 2;
    many[1] = 2;
    many[2] = 2;
    many[3] = 2;
    many[4] = 2;
    many[5] = 2;
    many[6] = 2;
    many[7] = 2;
    many[8] = 2;
    many[9] = 2;
    many[10] = 2;
    many[11] = 2;
}

static void *thread(void *arg)
{
    shared = 1;
    say(1);
    while (__atomic_load_n(&step, __ATOMIC_RELAXED) != 2)
        ;
    pair.head = 1;
    return arg;
}

static void with_thread(void)
{
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    await(1);
    shared = 2;
    pair.head = 2;
    say(2);
    pthread_join(t, NULL);
}

int go_main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "once") == 0)
        once();
    else if (strcmp(what, "many") == 0)
        all();
    else if (strcmp(what, "thread") == 0)
        with_thread();
    else
        return 2;
    puts("done");
    return 0;
}
