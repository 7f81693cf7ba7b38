/* test_print.c - texts that are cut, never overrun, and writes that are whole. */
#include "print.h"
#include "check.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(print, text_grows_and_is_terminated)
{
    char buf[32];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    cr_assert_str_eq(buf, "");
    text_printf(&t, "%d-%s", 12, "ab");
    text_printf(&t, "-%c", 'z');
    cr_assert_str_eq(buf, "12-ab-z");
    cr_assert_eq(t.len, 7);
}

Test(print, text_is_cut_at_every_size)
{
    static const char whole[] = "0123456789abcdef";
    for (size_t cap = 1; cap <= sizeof(whole) + 2; cap++) {
        char buf[64];
        memset(buf, '#', sizeof(buf));
        struct text t;
        text_init(&t, buf, cap);
        text_printf(&t, "%s", "0123456789");
        text_printf(&t, "%s", "abcdef");
        size_t expected = cap - 1 < strlen(whole) ? cap - 1 : strlen(whole);
        cr_assert_eq(t.len, expected);
        cr_assert_eq(strlen(buf), expected);
        cr_assert_eq(memcmp(buf, whole, expected), 0);
        cr_assert_eq(buf[cap], '#', "a byte behind the text was written");
        text_printf(&t, "more");
        cr_assert_lt(t.len, cap);
    }
}

static int ends[2];
static char *sink;
static size_t sunk;

static void *drain(void *unused)
{
    (void)unused;
    for (ssize_t n; (n = read(ends[0], sink + sunk, 4096)) > 0;)
        sunk += (size_t)n;
    return NULL;
}

Test(print, write_goes_on_after_a_full_pipe)
{
    enum { SIZE = 1 << 20 }; /* beyond any pipe's buffer */
    char *data = malloc(SIZE);
    sink = malloc(SIZE + 4096);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 7 >> 3);
    cr_assert_eq(pipe(ends), 0);
    pthread_t reader;
    cr_assert_eq(pthread_create(&reader, NULL, drain, NULL), 0);
    rt_write(ends[1], data, SIZE);
    close(ends[1]);
    pthread_join(reader, NULL);
    cr_assert_eq(sunk, SIZE);
    cr_assert_eq(memcmp(sink, data, SIZE), 0);
    free(data);
    free(sink);
}

Test(print, printf_is_one_write_of_at_most_1023_bytes)
{
    char got[4096], line[2000];
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = 0;
    cr_assert_eq(pipe(ends), 0);
    rt_printf(ends[1], "%s", line);
    cr_assert_eq(read(ends[0], got, sizeof(got)), 1023);
    rt_printf(ends[1], "%d\n", -5);
    cr_assert_eq(read(ends[0], got, sizeof(got)), 3);
}

Test(print, errno_is_kept)
{
    errno = ENOTTY;
    rt_write(-1, "x", 1);
    rt_printf(-1, "%d", 1);
    cr_assert_eq(errno, ENOTTY);
}

Test(print, a_failed_check_says_where_and_aborts)
{
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 2);
        signal(SIGABRT, SIG_DFL);
        rt_check(ends[0] == -7);
        _exit(0);
    }
    close(ends[1]);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    char got[512] = "";
    cr_assert_gt(read(ends[0], got, sizeof(got) - 1), 0);
    static const char start[] = "goshawk: internal error: ends[0] == -7 at ";
    cr_assert_eq(strncmp(got, start, strlen(start)), 0, "%s", got);
    cr_assert_not_null(strstr(got, "test_print.c:"));
}
