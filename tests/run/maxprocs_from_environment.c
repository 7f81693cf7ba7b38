/* GOMAXPROCS sets the number of processors; nonsense is named in one line and ignored. */
// procs: unset
// case: number
// env: GOMAXPROCS=3
// stdout: 3
// case: cpus
// stdout: as many as CPUs
// case: cpus
// env: GOMAXPROCS=
// stdout: as many as CPUs
// case: cpus
// env: GOMAXPROCS=abc
// stdout: as many as CPUs
// stderr: goshawk: GOMAXPROCS=abc .*
// case: cpus
// env: GOMAXPROCS=0
// stdout: as many as CPUs
// stderr: goshawk: GOMAXPROCS=0 .*
// case: cpus
// env: GOMAXPROCS=-2
// stdout: as many as CPUs
// stderr: goshawk: GOMAXPROCS=-2 .*
// case: cpus
// env: GOMAXPROCS=4x
// stdout: as many as CPUs
// stderr: goshawk: GOMAXPROCS=4x .*
// case: works
// env: GOMAXPROCS=64
// stdout: works
// case: works
// env: GOMAXPROCS=100000000
// stdout: works
// case: works
// env: GOMAXPROCS=99999999999999999999999
// stdout: works
// stderr: goshawk: GOMAXPROCS=99999999999999999999999 .*
#include "expect.h"

static void ping(go_chan(int) c)
{
    go_chan_send(c, 1);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (!strcmp(argv[1], "number"))
        printf("%d\n", go_maxprocs(0));
    if (!strcmp(argv[1], "cpus")) {
        EXPECT(go_numcpu() >= 1);
        puts(go_maxprocs(0) == go_numcpu() ? "as many as CPUs" : "another number");
    }
    if (!strcmp(argv[1], "works")) {
        go_chan(int) c = go_chan_make(int, 0);
        for (int i = 0; i < 100; i++)
            go(ping, c);
        for (int i = 0; i < 100; i++)
            go_chan_recv(c);
        puts("works");
    }
    return 0;
}
