/* mutex_copied_by_value.c - each call locks a mutex of its own (a pattern of cockroach).
 *
 * observe() takes the registry by value: it gets a copy of the mutex along with the pointer to the
 * histogram, so its lock excludes nobody.  The repair takes the registry by its address.
 *
 * shows: race observe observe
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct registry {
    go_mutex mu;
    long *histogram; /* guarded by mu; 8 of them */
};

#ifdef REPAIRED
static void observe(struct registry *r, long value)
{
    go_mutex_lock(&r->mu);
    r->histogram[value % 8]++;
    go_mutex_unlock(&r->mu);
}
#else
static void observe(struct registry r, long value)
{
    go_mutex_lock(&r.mu);
    r.histogram[value % 8]++;
    go_mutex_unlock(&r.mu);
}
#endif

static void run(struct registry *r)
{
    for (long v = 0; v < 20; v++)
#ifdef REPAIRED
        observe(r, v);
#else
        observe(*r, v);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    long histogram[8] = {0};
    struct registry r = {.histogram = histogram};
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, run, &r);
    go_waitgroup_wait(&wg);
    printf("%ld in the first bucket\n", histogram[0]);
    return 0;
}
