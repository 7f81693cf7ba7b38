/* signal_for_one_of_two_reasons.c - a signal wakes a waiter who waits for something else (a pattern
 * of cockroach).
 *
 * Readers and writers of a bounded log wait at one condition, for something to read or for room.
 * A signal wakes the first of them, of whichever kind; it sees nothing for it and waits again, and
 * the other one is not woken.  The repair wakes all.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

enum { ROOM = 1 };

struct wal {
    go_mutex mu;
    go_cond changed;
    int entries, synced; /* mu */
    bool flushing;       /* mu */
};

static void changed(struct wal *w)
{
#ifdef REPAIRED
    go_cond_broadcast(&w->changed);
#else
    go_cond_signal(&w->changed);
#endif
}

static void append(struct wal *w)
{
    go_mutex_lock(&w->mu);
    while (w->entries >= ROOM)
        go_cond_wait(&w->changed, &w->mu);
    w->entries++;
    changed(w);
    go_mutex_unlock(&w->mu);
}

static void await_flush(struct wal *w)
{
    go_mutex_lock(&w->mu);
    while (!w->flushing)
        go_cond_wait(&w->changed, &w->mu);
    go_mutex_unlock(&w->mu);
}

static void flush(struct wal *w)
{
    go_mutex_lock(&w->mu);
    w->flushing = true;
    changed(w);
    go_mutex_unlock(&w->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct wal w = {.entries = ROOM};
    go_waitgroup appender = {0}, flusher = {0};
    go_waitgroup_go(&appender, append, &w);
    wait_for_quiet(); /* the one who waits for room is the first */
    go_waitgroup_go(&flusher, await_flush, &w);
    wait_for_quiet();
    flush(&w);
    go_waitgroup_wait(&flusher);
    go_mutex_lock(&w.mu);
    w.entries = 0;
    changed(&w);
    go_mutex_unlock(&w.mu);
    go_waitgroup_wait(&appender);
    return w.entries != 1;
}
