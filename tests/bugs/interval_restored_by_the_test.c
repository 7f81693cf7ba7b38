/* interval_restored_by_the_test.c - a test changes a global back while the code under test runs (a
 * pattern of etcd).
 *
 * The test of the lessor makes revocation fast by assigning a global and restores it on return,
 * before the lessor's goroutine has ended.  The repair stops the lessor, which waits for its
 * goroutine, before it restores the rate.
 *
 * shows: race run_lessor restore_rate
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static int revoke_rate = 1000; /* leases a second */

struct lessor {
    go_chan(char) stop;
    go_chan(char) done;
    long revoked;
};

static void run_lessor(struct lessor *l)
{
    for (;;) {
        l->revoked += revoke_rate / 100;
        go_chan(go_time) tick = go_after(GO_MILLISECOND);
        int chosen = go_select(go_recv_case(l->stop, NULL), go_recv_case(tick, NULL));
        go_chan_free(tick);
        if (chosen == 0)
            break;
    }
    go_chan_close(l->done);
}

static void stop_lessor(struct lessor *l)
{
    go_chan_close(l->stop);
    go_chan_recv(l->done);
}

static void restore_rate(int *old)
{
    revoke_rate = *old;
}

static void test_revoke(struct lessor *l)
{
    int old = revoke_rate;
    revoke_rate = 10;
    go(run_lessor, l);
    go_sleep(3 * GO_MILLISECOND);
#ifdef REPAIRED
    stop_lessor(l);
    restore_rate(&old);
#else
    restore_rate(&old);
    stop_lessor(l);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct lessor l = {.stop = go_chan_make(char, 0), .done = go_chan_make(char, 0)};
    test_revoke(&l);
    printf("%s\n", l.revoked > 0 ? "some were revoked" : "none was revoked");
    go_chan_free(l.stop);
    go_chan_free(l.done);
    return 0;
}
