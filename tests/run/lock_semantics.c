/* Mutexes, reader-writer locks, once and wait groups between goroutines. */
// stdout: ok
#include "expect.h"

#include <stdatomic.h>

static go_waitgroup wg;
static go_mutex mu;
static go_rwmutex rw;
static int count;
static atomic_int readers, writers;

static void add_many(int n)
{
    for (int i = 0; i < n; i++) {
        go_mutex_lock(&mu);
        int v = count;
        if (i % 10 == 0)
            go_yield();
        count = v + 1;
        go_mutex_unlock(&mu);
    }
}

static void mutual_exclusion(void)
{
    for (int i = 0; i < 10; i++)
        go_waitgroup_go(&wg, add_many, 1000);
    go_waitgroup_wait(&wg);
    EXPECT(count == 10000);
    EXPECT(go_mutex_trylock(&mu) && !go_mutex_trylock(&mu));
    go_mutex_unlock(&mu);
}

static void hand_over(go_mutex *from, go_mutex *to, int n)
{
    for (int i = 0; i < n; i++) {
        go_mutex_lock(from);
        count++;
        go_mutex_unlock(to);
    }
}

/* Each of the two unlocks the mutex that the other waits for. */
static void unlocked_by_another(void)
{
    static go_mutex ping, pong;
    count = 0;
    go_mutex_lock(&pong);
    go_waitgroup_go(&wg, hand_over, &ping, &pong, 1000);
    go_waitgroup_go(&wg, hand_over, &pong, &ping, 1000);
    go_waitgroup_wait(&wg);
    EXPECT(count == 2000);
}

static void read_and_write(int seed)
{
    for (int i = 0; i < 300; i++) {
        if ((i + seed) % 5 == 0) {
            go_rwmutex_lock(&rw);
            EXPECT(atomic_fetch_add(&writers, 1) == 0 && atomic_load(&readers) == 0);
            go_yield();
            count++;
            atomic_fetch_sub(&writers, 1);
            go_rwmutex_unlock(&rw);
        } else {
            go_rwmutex_rlock(&rw);
            atomic_fetch_add(&readers, 1);
            EXPECT(atomic_load(&writers) == 0);
            go_yield();
            atomic_fetch_sub(&readers, 1);
            go_rwmutex_runlock(&rw);
        }
    }
}

static void readers_and_writers(void)
{
    count = 0;
    for (int i = 0; i < 10; i++)
        go_waitgroup_go(&wg, read_and_write, i);
    go_waitgroup_wait(&wg);
    EXPECT(count == 10 * 60);
    EXPECT(go_rwmutex_tryrlock(&rw) && go_rwmutex_tryrlock(&rw) && !go_rwmutex_trylock(&rw));
    go_rwmutex_runlock(&rw);
    go_rwmutex_runlock(&rw);
    EXPECT(go_rwmutex_trylock(&rw) && !go_rwmutex_tryrlock(&rw));
    go_rwmutex_unlock(&rw);
}

static void lock_then_tell(go_chan(char) c)
{
    go_rwmutex_lock(&rw);
    go_chan_send(c, 'w');
    go_rwmutex_unlock(&rw);
}

/* A writer that waits keeps new readers out. */
static void waiting_writer_first(void)
{
    go_chan(char) c = go_chan_make(char, 1);
    go_rwmutex_rlock(&rw);
    go(lock_then_tell, c);
    while (go_rwmutex_tryrlock(&rw)) {
        go_rwmutex_runlock(&rw);
        go_yield();
    }
    go_rwmutex_runlock(&rw);
    EXPECT(go_chan_recv(c) == 'w');
    go_rwmutex_lock(&rw);
    go_rwmutex_unlock(&rw);
}

static void init_slowly(int *p, int v)
{
    go_yield();
    go_sleep(GO_MILLISECOND);
    *p += v;
}

static void use_once(go_once *once, int *p)
{
    go_once_do(once, init_slowly, p, 5);
    EXPECT(*p == 5);
}

static void panics(void *once)
{
    go_once_do((go_once *)once, go_panic, "in once");
}

static void once(void)
{
    static go_once o, o2;
    static int v;
    for (int i = 0; i < 20; i++)
        go_waitgroup_go(&wg, use_once, &o, &v);
    go_waitgroup_wait(&wg);
    EXPECT(v == 5);

    const char *text = go_recover(panics, &o2);
    EXPECT(text && !strcmp(text, "in once"));
    EXPECT(go_recover(panics, &o2) == NULL);
}

static void wait_for(go_waitgroup *g, atomic_int *n)
{
    go_waitgroup_wait(g);
    atomic_fetch_add(n, 1);
}

static void several_waiters(void)
{
    go_waitgroup g = {0};
    static atomic_int n;
    go_waitgroup_wait(&g);
    go_waitgroup_add(&g, 3);
    for (int i = 0; i < 10; i++)
        go_waitgroup_go(&wg, wait_for, &g, &n);
    await_quiet();
    EXPECT(atomic_load(&n) == 0);
    go_waitgroup_add(&g, -2);
    EXPECT(atomic_load(&n) == 0);
    go_waitgroup_done(&g);
    go_waitgroup_wait(&wg);
    EXPECT(atomic_load(&n) == 10);
}

static void add_and_exit(void)
{
    atomic_fetch_add(&readers, 1);
    go_exit();
}

/* go_waitgroup_go counts a goroutine done however it ends. */
static void done_by_exit(void)
{
    atomic_store(&readers, 0);
    for (int i = 0; i < 100; i++)
        go_waitgroup_go(&wg, add_and_exit);
    go_waitgroup_wait(&wg);
    EXPECT(atomic_load(&readers) == 100);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    mutual_exclusion();
    unlocked_by_another();
    readers_and_writers();
    waiting_writer_first();
    once();
    several_waiters();
    done_by_exit();
    puts("ok");
    return 0;
}
