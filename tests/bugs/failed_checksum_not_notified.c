/* failed_checksum_not_notified.c - only success is told to who waits (after cockroach #25456).
 *
 * A consistency check asks each replica for a checksum and waits for it, or for the stopper.  The
 * replica that cannot compute one returns and leaves the channel open; the stopper in turn waits
 * for the check.  The repair closes the channel however the computation ends.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>

struct checksum {
    go_chan(char) notify;
    int value;
};

struct store {
    go_chan(char) quiesce;
    go_waitgroup tasks;
    int err;
};

static int read_snapshot(int replica, int *ret_value)
{
    if (replica == 2)
        return -EIO;
    *ret_value = 17;
    return 0;
}

static void compute(struct checksum *c, int replica)
{
    int err = read_snapshot(replica, &c->value);
#ifndef REPAIRED
    if (err)
        return;
#endif
    (void)err;
    go_chan_close(c->notify);
}

static void check_consistency(struct store *s)
{
    static struct checksum c[3];
    for (int i = 0; i < 3; i++) {
        c[i].notify = go_chan_make(char, 0);
        go(compute, &c[i], i);
    }
    for (int i = 0; i < 3; i++)
        if (go_select(go_recv_case(c[i].notify, NULL), go_recv_case(s->quiesce, NULL)) == 1)
            s->err = -ECANCELED;
        else if (c[i].value != c[0].value)
            s->err = -EBADMSG;
}

static void stop(struct store *s)
{
    go_waitgroup_wait(&s->tasks);
    go_chan_close(s->quiesce);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct store s;
    s.quiesce = go_chan_make(char, 0);
    go_waitgroup_go(&s.tasks, check_consistency, &s);
    stop(&s);
    return s.err != -EBADMSG;
}
