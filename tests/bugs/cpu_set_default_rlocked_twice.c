/* cpu_set_default_rlocked_twice.c - a reader locks again while a writer may come in between (after
 * kubernetes #62464).
 *
 * The CPU manager's state answers with a container's CPU set, or with the default one; the
 * function for both holds the read lock and calls two functions that take it again.  When the
 * reconciler's removal asks for writing between the two, all three wait for ever.  The repair
 * calls functions that lock nothing.
 *
 * shows: lock order
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>
#include <stdio.h>

static struct state_memory {
    go_rwmutex lock;
    unsigned default_set, assigned; /* guarded by lock: bits of CPUs, assigned is 0 when none is */
} state = {.default_set = 0xf0, .assigned = 0x0f};

/* The removal comes after the reading, but nothing orders it so: relaxed atomics do not. */
static atomic_bool reconciled;

static unsigned default_cpu_set(struct state_memory *s)
{
#ifndef REPAIRED
    go_rwmutex_rlock(&s->lock);
    go_defer(go_rwmutex_runlock, &s->lock);
#endif
    return s->default_set;
}

static bool cpu_set(struct state_memory *s, unsigned *ret)
{
#ifndef REPAIRED
    go_rwmutex_rlock(&s->lock);
    go_defer(go_rwmutex_runlock, &s->lock);
#endif
    *ret = s->assigned;
    return s->assigned != 0;
}

static unsigned cpu_set_or_default(struct state_memory *s)
{
    unsigned set;
    go_rwmutex_rlock(&s->lock);
    go_defer(go_rwmutex_runlock, &s->lock);
    return cpu_set(s, &set) ? set : default_cpu_set(s);
}

static void remove_container(struct state_memory *s)
{
    go_rwmutex_lock(&s->lock);
    go_defer(go_rwmutex_unlock, &s->lock);
    s->default_set |= s->assigned;
    s->assigned = 0;
}

static void reconcile(struct state_memory *s)
{
    printf("CPUs %#x\n", cpu_set_or_default(s));
    atomic_store_explicit(&reconciled, true, memory_order_relaxed);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup reconciler = {0};
    go_waitgroup_go(&reconciler, reconcile, &state);
    while (!atomic_load_explicit(&reconciled, memory_order_relaxed))
        go_yield();
    remove_container(&state);
    go_waitgroup_wait(&reconciler);
    return 0;
}
