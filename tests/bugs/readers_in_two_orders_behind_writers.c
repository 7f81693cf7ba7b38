/* readers_in_two_orders_behind_writers.c - two readers take two locks in two orders, and writers
 * wait (a pattern of kubernetes).
 *
 * The attach controller reads the actual state and then the desired one, the reporter the desired
 * one first.  Readers do not exclude each other; but when a writer waits for each of the two
 * states between the readers' steps, it keeps the second reading out, and all four wait.  The
 * repair reads in one order.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct state {
    go_rwmutex lock;
    int volumes; /* guarded by lock */
} actual, desired;

/* Force the order: both readers have their first lock, both writers wait. */
static go_waitgroup first_read;

static void set(struct state *s, int volumes)
{
    go_waitgroup_wait(&first_read);
    go_rwmutex_lock(&s->lock);
    s->volumes = volumes;
    go_rwmutex_unlock(&s->lock);
}

#ifndef REPAIRED
static bool writer_waits(struct state *s)
{
    bool none = go_rwmutex_tryrlock(&s->lock);
    if (none)
        go_rwmutex_runlock(&s->lock);
    return !none;
}

static void wait_for_writers(void)
{
    while (!writer_waits(&actual) || !writer_waits(&desired))
        go_yield();
}
#endif

static void compare(struct state *one, struct state *other)
{
    go_rwmutex_rlock(&one->lock);
    go_waitgroup_done(&first_read);
    go_waitgroup_wait(&first_read);
#ifndef REPAIRED
    wait_for_writers();
#endif
    go_rwmutex_rlock(&other->lock);
    printf("%d volumes\n", one->volumes + other->volumes);
    go_rwmutex_runlock(&other->lock);
    go_rwmutex_runlock(&one->lock);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup all = {0};
    go_waitgroup_add(&first_read, 2);
    go_waitgroup_go(&all, compare, &actual, &desired);
#ifdef REPAIRED
    go_waitgroup_go(&all, compare, &actual, &desired);
#else
    go_waitgroup_go(&all, compare, &desired, &actual);
#endif
    go_waitgroup_go(&all, set, &actual, 2);
    go_waitgroup_go(&all, set, &desired, 3);
    go_waitgroup_wait(&all);
    return 0;
}
