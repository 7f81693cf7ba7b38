/* in_child.h - unit tests of what ends a program, or needs an environment of its own.
 *
 *     struct child c = in_child(body, "GOMAXPROCS=1", "GOTRACEBACK=all", NULL);
 *     cr_expect_eq(c.status, 2);
 *     cr_expect(says(&c, "panic: text\n"));
 *
 * body runs under go_run() in a forked child: a process in which nothing of the runtime has
 * happened yet.  Its output (both streams) is collected; a child that is not done in time is ended
 * by SIGALRM. */
#ifndef TESTS_UNIT_IN_CHILD_H
#define TESTS_UNIT_IN_CHILD_H

#include <criterion/criterion.h>
#include <goshawk.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SECONDS = 60, CHILD_OUTPUT = 1 << 20 };

struct child {
    int status; /* exit status, or minus the signal that ended it */
    char *out;  /* what it wrote; kept until the test ends */
};

static inline void child_body_(int (*body)(int, char **), int (*plain)(void), va_list ap)
{
    for (const char *e; (e = va_arg(ap, const char *));)
        putenv((char *)e);
    signal(SIGALRM, SIG_DFL);
    const char *slower = getenv("GOSHAWK_TEST_SLOWER");
    alarm((unsigned)(CHILD_SECONDS * (slower ? atoi(slower) : 1)));
    exit(body ? go_run(body, 0, NULL) : plain());
}

/* libtsan has a thread of its own from the first pthread_create() on.  In a child of fork() it has
 * it at once, and a second one after its first pthread_create() if the parent had none: so the
 * parent gets it here, and a look for deadlocks can rely on one. */
#ifdef __SANITIZE_THREAD__
#include <pthread.h>
static inline void *child_nothing_(void *arg)
{
    return arg;
}
static inline void child_prepare_(void)
{
    pthread_t t;
    cr_assert(pthread_create(&t, NULL, child_nothing_, NULL) == 0 && pthread_join(t, NULL) == 0);
}
#else
static inline void child_prepare_(void)
{
}
#endif

static inline struct child child_run_(int (*body)(int, char **), int (*plain)(void), va_list ap)
{
    struct child c = {-1, calloc(1, CHILD_OUTPUT)};
    int fd[2];
    cr_assert(c.out && pipe(fd) == 0);
    child_prepare_();
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        dup2(fd[1], 1);
        dup2(fd[1], 2);
        close(fd[0]);
        close(fd[1]);
        child_body_(body, plain, ap);
    }
    close(fd[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(fd[0], c.out + len, CHILD_OUTPUT - 1 - len)) > 0;)
        len += (size_t)n;
    close(fd[0]);
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    c.status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    return c;
}

/* Runs body as the main goroutine of a child; the rest are "NAME=VALUE" for its environment, and
 * NULL. */
__attribute__((sentinel)) static inline struct child in_child(int (*body)(int, char **), ...)
{
    va_list ap;
    va_start(ap, body);
    struct child c = child_run_(body, NULL, ap);
    va_end(ap);
    return c;
}

/* The same outside goroutines: the child's exit status is what plain returns. */
__attribute__((sentinel)) static inline struct child in_plain_child(int (*plain)(void), ...)
{
    va_list ap;
    va_start(ap, plain);
    struct child c = child_run_(NULL, plain, ap);
    va_end(ap);
    return c;
}

static inline bool says(const struct child *c, const char *text)
{
    return strstr(c->out, text) != NULL;
}

static inline bool begins(const struct child *c, const char *text)
{
    return strncmp(c->out, text, strlen(text)) == 0;
}

#define EXPECT_BEGINS(c, text) \
    cr_expect(begins(c, text), "\"%s\" is not the beginning of:\n%s", text, (c)->out)
#define EXPECT_SAYS(c, text) cr_expect(says(c, text), "\"%s\" is missing in:\n%s", text, (c)->out)
#define EXPECT_STATUS(c, want) \
    cr_expect_eq((c)->status, want, "ended with %d, not %d:\n%s", (c)->status, want, (c)->out)

#endif
