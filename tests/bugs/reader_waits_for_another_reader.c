/* reader_waits_for_another_reader.c - a read lock is held over the wait for one who takes it too (a
 * pattern of cockroach).
 *
 * A check reads the store under its lock and leaves a part of it to a goroutine, which reads under
 * the same lock.  A writer that asks in between keeps that one out.  No goroutine takes the lock
 * twice.  The repair lets the helper rely on the lock of who waits for it.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

enum { RANGES = 4 };

struct store {
    go_rwmutex mu;
    int bytes[RANGES]; /* mu */
};

static void add(struct store *s, int from, go_chan(int) sum)
{
    int r = 0;
#ifndef REPAIRED
    go_rwmutex_rlock(&s->mu);
#endif
    for (int i = from; i < RANGES; i += 2)
        r += s->bytes[i];
#ifndef REPAIRED
    go_rwmutex_runlock(&s->mu);
#endif
    go_chan_send(sum, r);
}

static void check(struct store *s, go_chan(int) sum, go_chan(char) checking)
{
    int total = 0;
    go_rwmutex_rlock(&s->mu);
    go_chan_close(checking);
    wait_for_quiet(); /* the writer waits by now */
    for (int i = 0; i < 2; i++)
        go(add, s, i, sum);
    for (int i = 0; i < 2; i++)
        total += go_chan_recv(sum);
    go_rwmutex_runlock(&s->mu);
    go_chan_send(sum, total);
}

static void apply(struct store *s, go_chan(char) checking)
{
    go_chan_recv(checking);
    go_rwmutex_lock(&s->mu);
    s->bytes[0]++;
    go_rwmutex_unlock(&s->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct store s = {.bytes = {1, 2, 3, 4}};
    go_chan(int) sum = go_chan_make(int, 2);
    go_chan(char) checking = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, apply, &s, checking);
    go_waitgroup_go(&wg, check, &s, sum, checking);
    go_waitgroup_wait(&wg);
    return go_chan_recv(sum) < 10;
}
