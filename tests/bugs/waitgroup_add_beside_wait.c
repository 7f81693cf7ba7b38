/* waitgroup_add_beside_wait.c - a goroutine is counted while stop() already waits (a pattern of
 * etcd).
 *
 * The server starts goroutines for peers whenever they come, and stop() waits for them; nothing
 * keeps an attach() from counting its goroutine when the wait has looked, and then stop() returns
 * while it runs. The repair counts under the lock that stop() takes to say that nobody may come any
 * more.
 *
 * shows: race attach stop
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>
#include <stdio.h>

struct server {
    go_rwmutex mu;
    bool stopping; /* guarded by mu */
    go_waitgroup wg;
    go_chan(char) stopped;
};

static struct server server;
static atomic_int attached; /* relaxed: says when, orders nothing */

static void serve(struct server *s)
{
    go_chan_recv(s->stopped);
    go_sleep(GO_MILLISECOND); /* takes leave of its peer */
    go_waitgroup_done(&s->wg);
}

static void attach(struct server *s)
{
#ifdef REPAIRED
    go_rwmutex_rlock(&s->mu);
    bool stopping = s->stopping;
    if (!stopping)
        go_waitgroup_add(&s->wg, 1);
    go_rwmutex_runlock(&s->mu);
    if (stopping)
        return;
#else
    go_waitgroup_add(&s->wg, 1);
#endif
    go(serve, s);
    atomic_store_explicit(&attached, 1, memory_order_relaxed);
}

static void stop(struct server *s)
{
    go_rwmutex_lock(&s->mu);
    s->stopping = true;
    go_rwmutex_unlock(&s->mu);
    go_chan_close(s->stopped);
    go_waitgroup_wait(&s->wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    server.stopped = go_chan_make(char, 0);
    go(attach, &server);
    while (!atomic_load_explicit(&attached, memory_order_relaxed))
        go_yield();
    stop(&server);
    printf("stopped\n");
    go_chan_free(server.stopped);
    return 0;
}
