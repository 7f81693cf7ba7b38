/* redirect.h - the stand-in's part for what a test prints; see criterion.h beside it. */
#ifndef STANDIN_REDIRECT_H
#define STANDIN_REDIRECT_H

#include <criterion/criterion.h>

static int standin_redirected = -1; /* the file that the stream named last goes to */

static void standin_redirect(int stream)
{
    char path[] = "/tmp/criterion.XXXXXX";
    standin_redirected = mkstemp(path);
    unlink(path);
    dup2(standin_redirected, stream);
}

__attribute__((unused)) static void cr_redirect_stdout(void)
{
    standin_redirect(1);
}

__attribute__((unused)) static void cr_redirect_stderr(void)
{
    standin_redirect(2);
}

/* What was printed so far equals want. */
__attribute__((unused)) static int standin_printed(const char *want)
{
    static char got[1 << 16];
    fflush(NULL);
    ssize_t n = pread(standin_redirected, got, sizeof got - 1, 0);
    return n >= 0 && (got[n] = 0, !strcmp(got, want));
}

#define cr_assert_stdout_eq_str(s, ...) STANDIN_CHECK_(standin_printed(s), 1, #s, ##__VA_ARGS__)
#define cr_assert_stderr_eq_str(s, ...) STANDIN_CHECK_(standin_printed(s), 1, #s, ##__VA_ARGS__)

#endif
