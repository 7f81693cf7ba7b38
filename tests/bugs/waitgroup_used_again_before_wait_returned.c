/* waitgroup_used_again_before_wait_returned.c - the next round is counted while the last wait is on
 * its way out (a pattern of etcd).
 *
 * Two goroutines wait for the round to end; the first one back starts the next round with the same
 * group, and the second may wait for that one too.  The repair gives each round a group of its own.
 *
 * shows: race run_rounds await_first_round
 * when: some seed */
#include <goshawk.h>
#include <stdio.h>

enum { ROUNDS = 2 };

static go_waitgroup rounds[ROUNDS];
static go_mutex mu;
static int applied; /* guarded by mu */

static go_waitgroup *group_of(int round)
{
#ifdef REPAIRED
    return &rounds[round];
#else
    (void)round;
    return &rounds[0];
#endif
}

static void apply(int round)
{
    go_mutex_lock(&mu);
    applied++;
    go_mutex_unlock(&mu);
    go_waitgroup_done(group_of(round));
}

static void run_rounds(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        if (round > 0) {
            go_waitgroup_add(group_of(round), 1);
            go(apply, round);
        }
        go_waitgroup_wait(group_of(round));
    }
}

static void await_first_round(void)
{
    go_waitgroup_wait(group_of(0));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup both = {0};
    go_waitgroup_add(group_of(0), 1);
    go_waitgroup_go(&both, await_first_round);
    go_waitgroup_go(&both, run_rounds);
    go(apply, 0);
    go_waitgroup_wait(&both);
    printf("applied %d\n", applied);
    return 0;
}
