/* Every function of the API is a real one: it can be started, deferred, and pointed to. */
// stdout: ok
#include "expect.h"

static go_waitgroup wg;
static go_mutex mu;

static void deferrer(void)
{
    go_mutex_lock(&mu);
    go_defer(go_mutex_unlock, &mu);
    go_defer(go_waitgroup_done, &wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    go(go_chan_close, c);
    EXPECT(!go_chan_recv_ok(c, NULL));

    go_waitgroup_add(&wg, 2);
    go(go_waitgroup_done, &wg);
    go(deferrer);
    go_waitgroup_wait(&wg);
    go_mutex_lock(&mu);

    void (*unlock)(go_mutex *) = go_mutex_unlock;
    go(unlock, &mu);
    go_mutex_lock(&mu);
    puts("ok");
    return 0;
}
