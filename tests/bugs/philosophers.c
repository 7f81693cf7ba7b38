/* philosophers.c - five locks in a ring, each taken with the next one (a pattern of cockroach).
 *
 * Each of five stores copies to the next: it locks itself and then that one.  All are locked at the
 * same time on no day of the year but one.  The repair takes the lock of the lower number first.
 *
 * shows: lock order
 * when: some seed */
#include <goshawk.h>

enum { STORES = 5 };

struct store {
    go_mutex mu;
    int copies; /* mu */
};

static struct store stores[STORES];

static void copy(int from, int to)
{
    struct store *a = &stores[from], *b = &stores[to];
#ifdef REPAIRED
    if (from > to)
        a = &stores[to], b = &stores[from];
#endif
    go_mutex_lock(&a->mu);
    go_mutex_lock(&b->mu);
    stores[to].copies++;
    go_mutex_unlock(&b->mu);
    go_mutex_unlock(&a->mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    for (int i = 0; i < STORES; i++)
        go_waitgroup_go(&wg, copy, i, (i + 1) % STORES);
    go_waitgroup_wait(&wg);
    return stores[0].copies != 1;
}
