/* once_reset_while_it_is_used.c - a once is assigned anew to let it run again (a pattern of
 * serving).
 *
 * After a reload the once that loads the certificates is overwritten with a fresh one, while
 * handlers call it.  The repair keeps the certificates under a lock and reloads there.
 *
 * shows: race reload handle
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct certs {
    go_once once;
    go_mutex mu;
    int serial; /* guarded by mu in the repair */
    bool loaded;
};

static void load(struct certs *c)
{
    c->serial++;
}

static int handle(struct certs *c)
{
#ifdef REPAIRED
    go_mutex_lock(&c->mu);
    if (!c->loaded)
        load(c);
    c->loaded = true;
    int serial = c->serial;
    go_mutex_unlock(&c->mu);
    return serial;
#else
    go_once_do(&c->once, load, c);
    return c->serial;
#endif
}

static void reload(struct certs *c)
{
#ifdef REPAIRED
    go_mutex_lock(&c->mu);
    c->loaded = false;
    go_mutex_unlock(&c->mu);
#else
    c->once = (go_once){0};
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct certs c = {0};
    go_waitgroup wg = {0};
    handle(&c);
    go_waitgroup_go(&wg, reload, &c);
    go_waitgroup_go(&wg, handle, &c);
    go_waitgroup_wait(&wg);
    printf("serial %s\n", handle(&c) >= 1 ? "known" : "unknown");
    return 0;
}
