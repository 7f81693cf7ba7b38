/* statistics_counter_beside_its_reader.c - counters that "need no lock" (a pattern of kubernetes).
 *
 * Workers count what they synced in a plain variable, and the metrics handler prints it whenever it
 * is asked.  Increments get lost.  The repair makes the counter atomic; no order is needed for a
 * number that is only printed.
 *
 * shows: race sync_one sync_one
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>
#include <stdio.h>

#ifdef REPAIRED
static atomic_long synced;
#else
static long synced;
#endif

static void sync_one(void)
{
    for (int i = 0; i < 100; i++)
#ifdef REPAIRED
        atomic_fetch_add_explicit(&synced, 1, memory_order_relaxed);
#else
        synced++;
#endif
}

static void serve_metrics(void)
{
    printf("synced so far: %ld\n", (long)synced);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, sync_one);
    go_waitgroup_go(&wg, serve_metrics);
    go_waitgroup_wait(&wg);
    printf("%ld\n", (long)synced);
    return 0;
}
