/* The process ends with the main goroutine, with its value, whatever others do. */
// case: returns 0
// exit: 0
// case: returns 7
// exit: 7
// case: sleeper 3
// exit: 3
// case: spinner 4
// exit: 4
// case: blocked 5
// exit: 5
// case: exit-in-goroutine 6
// exit: 6
// case: atexit 0
// stdout: atexit ran
// case: unflushed 0
// stdout: no newline, no flush
#include "expect.h"

static void exit_with(int code)
{
    exit(code);
}

static void sleep_long(void)
{
    go_sleep(GO_HOUR);
}

static void spin(void)
{
    for (;;)
        go_yield();
}

static void block(go_chan(int) c)
{
    go_chan_recv(c);
}

static void at_exit(void)
{
    puts("atexit ran");
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 3);
    int code = atoi(argv[2]);
    if (!strcmp(argv[1], "sleeper")) {
        for (int i = 0; i < 100; i++)
            go(sleep_long);
    } else if (!strcmp(argv[1], "spinner")) {
        for (int i = 0; i < 8; i++)
            go(spin);
        go_sleep(GO_MILLISECOND);
    } else if (!strcmp(argv[1], "blocked")) {
        go(block, go_chan_make(int, 0));
        go_yield();
    } else if (!strcmp(argv[1], "exit-in-goroutine")) {
        go(exit_with, code);
        sleep_long();
    } else if (!strcmp(argv[1], "atexit")) {
        atexit(at_exit);
    } else if (!strcmp(argv[1], "unflushed")) {
        printf("no newline, no flush");
    }
    return code;
}
