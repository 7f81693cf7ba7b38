/* A goroutine that blocks its thread in the kernel, marked by go_blocking_begin and end, does not
 * keep the others from running, on one processor. */
// procs: 1,2
// stdout: the others went on
// stdout: the call ended
#include "expect.h"

#include <unistd.h>

static int fds[2];

static void read_pipe(go_chan(char) done)
{
    char c = 0;
    go_blocking_begin();
    ssize_t n = read(fds[0], &c, 1);
    go_blocking_end();
    EXPECT(n == 1 && c == 'x');
    go_chan_send(done, c);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) done = go_chan_make(char, 0);
    EXPECT(pipe(fds) == 0);
    go(read_pipe, done);
    for (int i = 0; i < 1000; i++)
        go_yield();
    puts("the others went on");
    EXPECT(write(fds[1], "x", 1) == 1);
    EXPECT(go_chan_recv(done) == 'x');
    puts("the call ended");
    return 0;
}
