/* three_managers_lock_in_circle.c - three managers call each other with their locks held (a
 * pattern of kubernetes).
 *
 * The pod manager asks the volume manager, this one the node, and the node the pod manager for its
 * pods, each under its own lock.  Here the three come one after the other and nothing happens.
 * The repair lets the node ask before it is locked.
 *
 * shows: lock order
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct manager {
    go_mutex lock;
    int n; /* guarded by lock */
} pods = {.n = 3}, volumes = {.n = 2}, node = {.n = 1};

static int count(struct manager *m)
{
    go_mutex_lock(&m->lock);
    go_defer(go_mutex_unlock, &m->lock);
    return m->n;
}

static void update(struct manager *m, struct manager *asked)
{
    go_mutex_lock(&m->lock);
    go_defer(go_mutex_unlock, &m->lock);
    m->n += count(asked);
}

static void sync_pods(void)
{
    update(&pods, &volumes);
}

static void mount_volumes(void)
{
    update(&volumes, &node);
}

static void report_status(void)
{
#ifdef REPAIRED
    int n = count(&pods);
    go_mutex_lock(&node.lock);
    node.n += n;
    go_mutex_unlock(&node.lock);
#else
    update(&node, &pods);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    void (*tasks[])(void) = {sync_pods, mount_volumes, report_status};
    for (int i = 0; i < 3; i++) {
        go_waitgroup one = {0};
        go_waitgroup_go(&one, tasks[i]);
        go_waitgroup_wait(&one);
    }
    printf("%d %d %d\n", count(&pods), count(&volumes), count(&node));
    return 0;
}
