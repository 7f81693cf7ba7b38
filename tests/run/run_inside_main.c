/* go_run() starts the runtime inside an existing main(), returns its function's value, and can be
 * called again; the process goes on although goroutines of an earlier run exist. */
// case: twice
// stdout: first returned 11
// stdout: second returned 22
// stdout: third returned 33
// case: from-thread
// stdout: thread returned 44
// case: inside
// exit: 2
// stderr: fatal error: .*go_run.*
#include "expect.h"

#include <pthread.h>

static int first(int argc, char **argv)
{
    EXPECT(argc == 2 && argv[1] && go_id() >= 1);
    go_chan(int) c = go_chan_make(int, 0);
    go(go_chan_close, c);
    go_chan_recv(c);
    return 11;
}

static void left_over(void)
{
    go_sleep(GO_HOUR);
}

static int second(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    for (int i = 0; i < 100; i++)
        go_waitgroup_go(&wg, go_yield);
    go_waitgroup_wait(&wg);
    go(left_over);
    return 22;
}

static int third(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_sleep(GO_MILLISECOND);
    return 33;
}

static int nested(int argc, char **argv)
{
    return go_run(first, argc, argv);
}

static void *thread(void *argv)
{
    printf("thread returned %d\n", go_run(third, 1, argv) + 11);
    return NULL;
}

int main(int argc, char **argv)
{
    EXPECT(argc == 2);
    EXPECT(go_id() == 0);
    if (!strcmp(argv[1], "twice")) {
        printf("first returned %d\n", go_run(first, argc, argv));
        EXPECT(go_id() == 0);
        printf("second returned %d\n", go_run(second, argc, argv));
        printf("third returned %d\n", go_run(third, argc, argv));
    } else if (!strcmp(argv[1], "from-thread")) {
        pthread_t t;
        pthread_create(&t, NULL, thread, argv);
        pthread_join(t, NULL);
    } else {
        go_run(nested, argc, argv);
    }
    return 0;
}
