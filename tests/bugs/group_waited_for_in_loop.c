/* group_waited_for_in_loop.c - a wait group is waited for in the loop that starts its goroutines
 * (after moby #25348).
 *
 * init() of the plugins adds the number of all plugins to a wait group and starts a goroutine for
 * each; wait() stands inside the loop, one line too high, and waits in the first turn for
 * goroutines that the next turns would start.  The repair waits behind the loop.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { PLUGINS = 3 };

struct plugin {
    int id;
    bool enabled;
};

static struct manager {
    go_mutex lock;
    int restored; /* guarded by lock */
} manager;

static void restore(struct manager *m, struct plugin *p, go_waitgroup *group)
{
    go_defer(go_waitgroup_done, group);
    p->enabled = true;
    go_mutex_lock(&m->lock);
    m->restored += p->id > 0;
    go_mutex_unlock(&m->lock);
}

static void init(struct manager *m, struct plugin *plugins, int n)
{
    go_waitgroup group = {0};
    go_waitgroup_add(&group, n);
    for (int i = 0; i < n; i++) {
        go(restore, m, &plugins[i], &group);
#ifndef REPAIRED
        go_waitgroup_wait(&group);
#endif
    }
#ifdef REPAIRED
    go_waitgroup_wait(&group);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct plugin plugins[PLUGINS];
    for (int i = 0; i < PLUGINS; i++)
        plugins[i] = (struct plugin){.id = i + 1};
    init(&manager, plugins, PLUGINS);
    printf("%d plugins\n", manager.restored);
    return 0;
}
