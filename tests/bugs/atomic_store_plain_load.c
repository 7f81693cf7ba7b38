/* atomic_store_plain_load.c - one side of a flag is atomic, the other is not (a pattern of
 * serving).
 *
 * The prober marks a revision ready by an atomic store, but the throttler reads the flag as plain
 * memory before it looks at the capacity that was written ahead of it. The repair loads it
 * atomically too.
 *
 * shows: race mark_ready capacity_of
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct revision {
    int ready; /* atomic: who reads 1 may read capacity */
    int capacity;
};

static void mark_ready(struct revision *r)
{
    r->capacity = 10;
    __atomic_store_n(&r->ready, 1, __ATOMIC_RELEASE);
}

static int capacity_of(struct revision *r)
{
#ifdef REPAIRED
    if (!__atomic_load_n(&r->ready, __ATOMIC_ACQUIRE))
        return 0;
#else
    if (!r->ready)
        return 0;
#endif
    return r->capacity;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct revision r = {0};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, mark_ready, &r);
    go_waitgroup_go(&wg, capacity_of, &r);
    go_waitgroup_wait(&wg);
    printf("capacity %d\n", r.capacity);
    return 0;
}
