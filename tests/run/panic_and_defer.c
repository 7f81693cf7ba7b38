/* Deferred calls run innermost first: at the end of a block, when a panic passes, when go_exit
 * passes; a recover ends the panic and tells its text. */
// stdout: block 3
// stdout: block 2
// stdout: block 1
// stdout: after block
// stdout: passed 2
// stdout: passed 1
// stdout: recovered: number 5
// stdout: no panic: nothing
// stdout: outer recovered: second
// stdout: exit 2
// stdout: exit 1
// stdout: loop 0
// stdout: loop 1
// stdout: runtime panic: send on closed channel
// stdout: deep: bottom, 300 frames unwound
#include "expect.h"

static int unwound;

static void say(const char *what, int n)
{
    printf("%s %d\n", what, n);
}

static void block(void)
{
    {
        go_defer(say, "block", 1);
        go_defer(say, "block", 2);
        int i = 3;
        go_defer(say, "block", i);
        i = 4;
        (void)i;
    }
    puts("after block");
}

static void panics(void *arg)
{
    go_defer(say, "passed", 1);
    {
        go_defer(say, "passed", 2);
        go_panic("number %d", *(int *)arg);
    }
}

static void does_nothing(void *arg)
{
    (void)arg;
}

static void silent(void *arg)
{
    (void)arg;
    go_panic("first");
}

static void panics_again(void *arg)
{
    (void)arg;
    go_recover(silent, NULL);
    go_panic("second");
}

static void exits(go_chan(char) done)
{
    go_defer(go_chan_close, done);
    go_defer(say, "exit", 1);
    {
        go_defer(say, "exit", 2);
        go_exit();
    }
}

static void send_closed(void *c)
{
    go_chan_send((go_chan(int))c, 1);
}

static void count(void)
{
    unwound++;
}

static void deep(int n)
{
    go_defer(count);
    if (n > 1)
        deep(n - 1);
    else if (n == 1)
        go_panic("bottom");
}

static void deep_300(void *arg)
{
    (void)arg;
    deep(300);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    int five = 5;
    block();
    printf("recovered: %s\n", go_recover(panics, &five));
    const char *text = go_recover(does_nothing, NULL);
    printf("no panic: %s\n", text ? text : "nothing");
    printf("outer recovered: %s\n", go_recover(panics_again, NULL));

    go_chan(char) done = go_chan_make(char, 0);
    go(exits, done);
    go_chan_recv(done);

    for (int i = 0; i < 2; i++) {
        go_defer(say, "loop", i);
    }

    go_chan(int) c = go_chan_make(int, 0);
    go_chan_close(c);
    printf("runtime panic: %s\n", go_recover(send_closed, c));
    text = go_recover(deep_300, NULL);
    printf("deep: %s, %d frames unwound\n", text, unwound);
    return 0;
}
