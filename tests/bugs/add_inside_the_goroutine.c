/* add_inside_the_goroutine.c - the goroutine counts itself, when the wait may be over (a pattern of
 * cockroach).
 *
 * Each worker adds itself to the group as its first act.  The wait may come before that and sees an
 * empty group, so the sum is printed while workers add to it.  The repair adds before go().
 *
 * shows: race scan_range total_of
 * when: some seed */
#include <goshawk.h>
#include <stdio.h>

enum { RANGES = 4 };

struct scan {
    go_waitgroup wg;
    go_mutex mu;
    int rows; /* guarded by mu while workers run */
};

static struct scan scan;

static void scan_range(int id)
{
#ifndef REPAIRED
    go_waitgroup_add(&scan.wg, 1);
#endif
    go_mutex_lock(&scan.mu);
    scan.rows += 10 + id;
    go_mutex_unlock(&scan.mu);
    go_waitgroup_done(&scan.wg);
}

static int total_of(struct scan *s)
{
    return s->rows;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int id = 0; id < RANGES; id++) {
#ifdef REPAIRED
        go_waitgroup_add(&scan.wg, 1);
#endif
        go(scan_range, id);
    }
    go_waitgroup_wait(&scan.wg);
    printf("%d rows\n", total_of(&scan));
    go_sleep(GO_MILLISECOND); /* the program goes on */
    return 0;
}
