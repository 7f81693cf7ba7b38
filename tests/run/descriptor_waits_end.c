/* What ends a wait for a descriptor: data, a deadline, go_fd_close(), the other end's going; and a
 * program in which goroutines wait for nothing else is no deadlock. */
// case: close
// stdout: ok
// case: deadline
// stdout: ok
// case: hang-up
// stdout: ok
// case: child
// stdout: ok
// case: dump
// stderr: goroutine 2 \[IO wait.*\]:
// stderr: .*waits.*
// case: broken-pipe
// exit: SIGPIPE
// case: dead
// exit: 2
// stderr: fatal error: all goroutines are asleep - deadlock!
#include "expect.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int p[2];
static go_waitgroup wg;

static void waits(void)
{
    char b;
    EXPECT(go_fd_wait(p[0], GO_FD_READ, 0) == -ECANCELED || go_read(p[0], &b, 1) <= 0);
}

static void reads(ssize_t want)
{
    char b;
    EXPECT(go_read(p[0], &b, 1) == want);
}

static void close_case(void)
{
    for (int i = 0; i < 20; i++)
        go_waitgroup_go(&wg, reads, (ssize_t)-ECANCELED);
    for (int i = 0; i < 20; i++)
        go_waitgroup_go(&wg, waits);
    await_quiet();
    EXPECT(go_fd_close(p[0]) == 0);
    go_waitgroup_wait(&wg);
    puts("ok");
}

static void deadline_case(void)
{
    char b;
    for (int i = 0; i < 10; i++) {
        go_time at = go_now() + i * GO_MILLISECOND / 2;
        EXPECT(go_read_deadline(p[0], &b, 1, at) == -ETIMEDOUT && go_now() >= at);
        EXPECT(go_fd_wait(p[0], GO_FD_READ, at) == -ETIMEDOUT);
    }
    EXPECT(go_write(p[1], "x", 1) == 1);
    EXPECT(go_read_deadline(p[0], &b, 1, 1) == 1); /* no need to wait */
    puts("ok");
}

static void hang_up_case(void)
{
    for (int i = 0; i < 5; i++)
        go_waitgroup_go(&wg, reads, (ssize_t)0);
    await_quiet();
    EXPECT(close(p[1]) == 0);
    go_waitgroup_wait(&wg);
    EXPECT(go_fd_wait(p[0], GO_FD_READ, 0) == (GO_FD_READ | GO_FD_HUP));
    puts("ok");
}

/* Nothing in this process can end the wait. */
static void child_case(void)
{
    char b;
    int back[2];
    EXPECT(pipe(back) == 0);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        EXPECT(read(back[0], &b, 1) == 1 && write(p[1], "x", 1) == 1);
        _exit(0);
    }
    EXPECT(write(back[1], "x", 1) == 1);
    EXPECT(go_read(p[0], &b, 1) == 1);
    EXPECT(waitpid(pid, NULL, 0) == pid);
    puts("ok");
}

static void dump_case(void)
{
    go(waits);
    await_in_dump("goroutine 2 [IO wait");
    go_dump(2);
}

static void broken_pipe_case(void)
{
    EXPECT(dup2(p[1], 1) == 1 && close(p[0]) == 0);
    EXPECT(go_write(p[1], "x", 1) == -EPIPE); /* an error */
    go_write(1, "x", 1);                      /* the end */
}

static void dead_case(void)
{
    char b;
    EXPECT(go_read_deadline(p[0], &b, 1, go_now() + GO_MILLISECOND) == -ETIMEDOUT);
    go_chan_recv((go_chan(int))NULL);
}

int go_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"close", close_case},     {"deadline", deadline_case},
                 {"hang-up", hang_up_case}, {"child", child_case},
                 {"dump", dump_case},       {"broken-pipe", broken_pipe_case},
                 {"dead", dead_case}};
    EXPECT(argc == 2 && pipe(p) == 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, argv[1]))
            cases[i].run();
    return 0;
}
