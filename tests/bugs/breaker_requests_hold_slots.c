/* breaker_requests_hold_slots.c - a breaker's test unlocks its requests in the wrong order (after
 * serving #2137).
 *
 * A breaker lets a number of requests run, and as many wait in line.  Each request of the test
 * holds its slot until the test unlocks that request's mutex; the test unlocks the one first that
 * is still in line, and waits for it, while the one that has the slot waits to be unlocked.  The
 * repair unlocks the one that runs.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct breaker {
    go_chan(char) pending, active; /* full when all places are taken */
} breaker;

struct request {
    go_mutex lock; /* held by the test while the request is to run */
    go_chan(char) accepted;
};

static bool maybe(struct breaker *b, struct request *r)
{
    if (!go_chan_try_send(b->pending, 1)) /* no place in line */
        return false;
    go_chan_send(b->active, 1);
    go_mutex_lock(&r->lock); /* as long as the request runs */
    go_mutex_unlock(&r->lock);
    go_chan_recv(b->active);
    go_chan_recv(b->pending);
    return true;
}

static void serve(struct breaker *b, struct request *r)
{
    bool accepted = maybe(b, r);
    go_chan_send(r->accepted, accepted);
}

static bool unlock_and_wait(struct request *r)
{
    go_mutex_unlock(&r->lock);
    return go_chan_recv(r->accepted);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    breaker = (struct breaker){go_chan_make(char, 2), go_chan_make(char, 1)};
    static struct request r[3];
    for (int i = 0; i < 3; i++) {
        r[i].accepted = go_chan_make(char, 0);
        go_mutex_lock(&r[i].lock);
        go(serve, &breaker, &r[i]);
        while (i < 2 && go_chan_len(breaker.pending) <= (size_t)i)
            go_yield();
        while (i == 0 && go_chan_len(breaker.active) == 0)
            go_yield();
    }
    printf("third: %d\n", unlock_and_wait(&r[2]));
#ifdef REPAIRED
    printf("first: %d\n", unlock_and_wait(&r[0]));
    printf("second: %d\n", unlock_and_wait(&r[1]));
#else
    printf("second: %d\n", unlock_and_wait(&r[1]));
    printf("first: %d\n", unlock_and_wait(&r[0]));
#endif
    return 0;
}
