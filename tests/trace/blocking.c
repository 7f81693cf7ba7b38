/* Goroutines that park, yield, sleep and end inside blocking sections. */
#include <goshawk.h>

static go_chan(int) c;

static void parks(void)
{
    go_blocking_begin();
    go_chan_recv(c);
    go_yield();
    go_chan_recv(c);
    go_blocking_end();
    go_yield();
}

static void returns(void)
{
    go_blocking_begin();
}

static void exits(void)
{
    go_blocking_begin();
    go_exit();
}

static void yields(void)
{
    go_blocking_begin();
    go_yield();
    go_sleep(GO_MICROSECOND);
    go_blocking_end();
}

int go_main(int argc, char **argv)
{
    go_waitgroup wg = {0};
    c = go_chan_make(int, 0);
    for (int i = 0; i < 20; i++) {
        go_waitgroup_go(&wg, parks);
        go_waitgroup_go(&wg, returns);
        go_waitgroup_go(&wg, exits);
        go_waitgroup_go(&wg, yields);
    }
    for (int i = 0; i < 40; i++)
        go_chan_send(c, i);
    go_waitgroup_wait(&wg);
    return argc && argv ? 0 : 1;
}
