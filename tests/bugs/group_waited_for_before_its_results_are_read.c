/* group_waited_for_before_its_results_are_read.c - workers cannot end before their results are
 * taken (a pattern of etcd).
 *
 * Each member of the group sends what it found to a channel without room.  They are waited for
 * first, and the results read then.  The repair closes the channel when all have ended, in a
 * goroutine, and reads meanwhile.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { MEMBERS = 3 };

static go_group group;
static go_chan(int) hashes;

static int hash(void *arg)
{
    go_chan_send(hashes, *(int *)arg * 31);
    return 0;
}

static void wait_and_close(void)
{
    go_group_wait(&group);
    go_chan_close(hashes);
}

static int check(void)
{
    static int member[MEMBERS] = {1, 2, 3};
    int sum = 0;
    for (int i = 0; i < MEMBERS; i++)
        go_group_go(&group, hash, &member[i]);
#ifdef REPAIRED
    go(wait_and_close);
#else
    wait_and_close();
#endif
    go_chan_range(int, h, hashes)
        sum += h;
    return sum;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    hashes = go_chan_make(int, 0);
    return check() != 6 * 31;
}
