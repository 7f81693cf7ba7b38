/* failed_activation_wakes_nobody.c - an activation that fails does not end the wait for it (after
 * moby #30408).
 *
 * The first one who needs a plugin activates it, all others wait on a condition for its success.
 * The activation fails, its error is stored, and the condition, whose loop asks only for success,
 * is not signalled.  The repair waits for either, and broadcasts both.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

static struct plugin {
    go_mutex lock;
    go_cond changed;
    bool activating, activated; /* guarded by lock */
    int error;
    int waiting;
} plugin;

static int shake_hands(void)
{
    return -ECONNREFUSED;
}

static int activate(struct plugin *p)
{
    int err = shake_hands();
    go_mutex_lock(&p->lock);
    go_defer(go_mutex_unlock, &p->lock);
    p->error = err;
    if (err) {
#ifdef REPAIRED
        go_cond_broadcast(&p->changed);
#endif
        return err;
    }
    p->activated = true;
    go_cond_broadcast(&p->changed);
    return 0;
}

static int get(struct plugin *p)
{
    go_mutex_lock(&p->lock);
    go_defer(go_mutex_unlock, &p->lock);
    p->waiting++;
#ifdef REPAIRED
    while (!p->activated && !p->error)
#else
    while (!p->activated)
#endif
        go_cond_wait(&p->changed, &p->lock);
    return p->error;
}

static void serve(int volume)
{
    int err = get(&plugin);
    printf("volume %d: %d\n", volume, err);
}

static bool all_wait(struct plugin *p, int n)
{
    go_mutex_lock(&p->lock);
    go_defer(go_mutex_unlock, &p->lock);
    return p->waiting == n;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int volume = 1; volume <= 3; volume++)
        go(serve, volume);
    while (!all_wait(&plugin, 3))
        go_yield();
    printf("activation: %d\n", activate(&plugin));
    return 0;
}
