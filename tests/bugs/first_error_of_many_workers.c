/* first_error_of_many_workers.c - of many workers' errors one is received (a pattern of
 * kubernetes).
 *
 * Volumes are detached in parallel, each by a goroutine that sends its result into an unbuffered
 * channel.  The caller returns at the first error, and those who come later stay at their sends.
 * The repair gives the channel room for all results.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

enum { VOLUMES = 5 };

struct volume {
    int id;
    bool in_use;
};

static int detach(struct volume *v)
{
    return v->in_use ? -EBUSY : 0;
}

static void detach_one(struct volume *v, go_chan(int) results)
{
    int err = detach(v);
    go_chan_send(results, err);
}

static int detach_all(struct volume *volumes, int n)
{
#ifdef REPAIRED
    go_chan(int) results = go_chan_make(int, n);
#else
    go_chan(int) results = go_chan_make(int, 0);
#endif
    for (int i = 0; i < n; i++)
        go(detach_one, &volumes[i], results);
    for (int i = 0; i < n; i++) {
        int err = go_chan_recv(results);
        if (err)
            return err;
    }
    go_chan_free(results);
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct volume volumes[VOLUMES];
    for (int i = 0; i < VOLUMES; i++)
        volumes[i] = (struct volume){i, i != 2};
    printf("detach: %d\n", detach_all(volumes, VOLUMES));
    return 0;
}
