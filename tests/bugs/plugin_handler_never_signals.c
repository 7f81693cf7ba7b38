/* plugin_handler_never_signals.c - an activation has two ways in, and one of them wakes nobody
 * (after moby #29733).
 *
 * Who asks for a plugin waits on a condition until it is active.  A plugin that was activated when
 * the handlers were registered is marked so without a signal, because that path used to run before
 * anybody waited.  The repair broadcasts there too.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct plugin {
    go_mutex activate_wait_lock;
    go_cond activate_wait;
    bool activated; /* guarded by activate_wait_lock */
    int waiting;
} plugin;

static go_rwmutex handlers_lock;
static void (*extension_handler)(struct plugin *); /* guarded by handlers_lock */

static void wait_active(struct plugin *p)
{
    go_mutex_lock(&p->activate_wait_lock);
    p->waiting++;
    while (!p->activated)
        go_cond_wait(&p->activate_wait, &p->activate_wait_lock);
    go_mutex_unlock(&p->activate_wait_lock);
}

static void set_up_driver(struct plugin *p)
{
    (void)p;
    printf("driver set up\n");
}

static void handle(struct plugin *p, void (*fn)(struct plugin *))
{
    go_rwmutex_lock(&handlers_lock);
    go_defer(go_rwmutex_unlock, &handlers_lock);
    extension_handler = fn;
    go_mutex_lock(&p->activate_wait_lock);
    extension_handler(p);
    p->activated = true;
#ifdef REPAIRED
    go_cond_broadcast(&p->activate_wait);
#endif
    go_mutex_unlock(&p->activate_wait_lock);
}

static bool somebody_waits(struct plugin *p)
{
    go_mutex_lock(&p->activate_wait_lock);
    go_defer(go_mutex_unlock, &p->activate_wait_lock);
    return p->waiting > 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup requests = {0};
    go_waitgroup_go(&requests, wait_active, &plugin);
    go_waitgroup_go(&requests, wait_active, &plugin);
    while (!somebody_waits(&plugin))
        go_yield();
    handle(&plugin, set_up_driver);
    go_waitgroup_wait(&requests);
    return 0;
}
