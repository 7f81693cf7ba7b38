/* copied_while_locked.c - a structure is copied with its lock, which is held (a pattern of
 * cockroach).
 *
 * A snapshot of the settings is taken under their lock by copying the whole structure.  The copy's
 * lock is locked from its birth, and nobody will unlock it.  The repair copies the values only.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct values {
    int timeout_ms, retries;
};

struct settings {
    go_mutex mu;
    struct values v; /* mu */
};

static struct settings current = {.v = {100, 3}}, shown;

static void snapshot(struct settings *from, struct settings *to)
{
    go_mutex_lock(&from->mu);
#ifdef REPAIRED
    to->v = from->v;
#else
    *to = *from;
#endif
    go_mutex_unlock(&from->mu);
}

static int timeout(struct settings *s)
{
    go_mutex_lock(&s->mu);
    int r = s->v.timeout_ms;
    go_mutex_unlock(&s->mu);
    return r;
}

static void show(go_chan(int) out)
{
    go_chan_send(out, timeout(&shown));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) out = go_chan_make(int, 0);
    snapshot(&current, &shown);
    go(show, out);
    return go_chan_recv(out) != 100;
}
