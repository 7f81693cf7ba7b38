/* flag_polled_without_order.c - a goroutine polls a plain flag (a pattern of istio).
 *
 * The test waits until the pilot has set a plain variable, and then reads what was written before
 * it. The compiler may read the flag once, and nothing orders what is behind it. The repair closes
 * a channel.
 *
 * shows: race push await_push
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static volatile bool pushed;
static go_chan(char) pushed_ch;
static int version;

static void push(void)
{
    version = 3;
#ifdef REPAIRED
    go_chan_close(pushed_ch);
#else
    pushed = true;
#endif
}

static int await_push(void)
{
#ifdef REPAIRED
    go_chan_recv(pushed_ch);
#else
    while (!pushed)
        go_yield();
#endif
    return version;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    pushed_ch = go_chan_make(char, 0);
    go(push);
    int v = await_push();
    printf("version %d, %d\n", v, pushed);
    go_chan_free(pushed_ch);
    return 0;
}
