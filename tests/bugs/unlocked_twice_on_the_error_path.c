/* unlocked_twice_on_the_error_path.c - an error path unlocks, and so does its caller (a pattern of
 * moby).
 *
 * remove_network() unlocks before it returns an error, and its caller unlocks in any case.  Another
 * goroutine that took the lock in between loses it; when there is none, the runtime stops.  The
 * repair leaves the unlocking to the caller alone.
 *
 * shows: panic sync: unlock of unlocked mutex
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

struct daemon {
    go_mutex mu;
    int networks; /* guarded by mu */
};

static int remove_network(struct daemon *d)
{
    if (d->networks == 0) {
#ifndef REPAIRED
        go_mutex_unlock(&d->mu);
#endif
        return -ENOENT;
    }
    d->networks--;
    return 0;
}

static void handle_delete(struct daemon *d, go_chan(int) status)
{
    go_mutex_lock(&d->mu);
    int err = remove_network(d);
    go_mutex_unlock(&d->mu);
    go_chan_send(status, err);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct daemon d = {.networks = 1};
    go_chan(int) status = go_chan_make(int, 0);
    for (int i = 0; i < 2; i++) {
        go(handle_delete, &d, status);
        int err = go_chan_recv(status);
        printf("%s\n", err ? "no such network" : "removed");
    }
    go_chan_free(status);
    return 0;
}
