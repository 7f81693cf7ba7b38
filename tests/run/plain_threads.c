/* Channels and locks work from threads that are not goroutines: they block the thread. */
// stdout: ok
#include "expect.h"

#include <pthread.h>

enum { THREADS = 4, EACH = 2000 };

static go_chan(int) to_threads, from_threads;
static go_mutex mu;
static go_rwmutex rw;
static go_waitgroup wg;
static int count, reads;

static void *thread(void *arg)
{
    (void)arg;
    EXPECT(go_id() == 0);
    go_chan_range(int, v, to_threads) {
        go_mutex_lock(&mu);
        count++;
        go_mutex_unlock(&mu);
        go_rwmutex_rlock(&rw);
        EXPECT(reads == 0);
        go_rwmutex_runlock(&rw);
        go_chan_send(from_threads, v + 1);
    }
    int v;
    EXPECT(go_select(go_recv_case(to_threads, &v), go_default) == 0 && v == 0);
    go_waitgroup_done(&wg);
    return NULL;
}

static void *starter(void *arg)
{
    go(go_chan_close, arg);
    return NULL;
}

static void feed(void)
{
    for (int i = 0; i < EACH; i++) {
        if (i % 2)
            go_chan_send(to_threads, i);
        else
            go_select(go_send_case(to_threads, i), go_recv_case((go_chan(int))NULL, NULL));
        go_mutex_lock(&mu);
        count++;
        go_mutex_unlock(&mu);
    }
    go_chan_close(to_threads);
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t t[THREADS], s;
    to_threads = go_chan_make(int, 0);
    from_threads = go_chan_make(int, 3);
    go_waitgroup_add(&wg, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, thread, NULL);
    go(feed);
    long sum = 0;
    for (int i = 0; i < EACH; i++)
        sum += go_chan_recv(from_threads);
    go_waitgroup_wait(&wg);
    EXPECT(sum == (long)EACH * (EACH - 1) / 2 + EACH);
    EXPECT(count == 2 * EACH);

    go_chan(int) c = go_chan_make(int, 0);
    pthread_create(&s, NULL, starter, c);
    EXPECT(!go_chan_recv_ok(c, NULL));
    pthread_join(s, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    puts("ok");
    return 0;
}
