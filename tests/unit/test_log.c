/* test_log.c - where a report goes, and JSON's strings. */
#include "flags.h"
#include "log.h"
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void options(const char *text)
{
    setenv("GORACE", text, 1);
    rc_flags_init();
}

static void say(const char *words)
{
    struct log_text t = {0};
    log_printf(&t, "%s", words);
    log_send(&t);
    cr_expect_null(t.buf);
    cr_expect_eq(t.len, 0);
}

Test(log, stderr_is_the_default, .init = cr_redirect_stderr)
{
    say("one\n");
    cr_assert_stderr_eq_str("one\n");
}

Test(log, stdout_by_name, .init = cr_redirect_stdout)
{
    options("log_path=stdout");
    say("one\n");
    cr_assert_stdout_eq_str("one\n");
}

Test(log, file_named_after_the_process_and_only_if_there_is_something)
{
    char base[64], name[96], env[128], got[32] = "";
    snprintf(base, sizeof base, "/tmp/test_log.%d", (int)getpid());
    snprintf(name, sizeof name, "%s.%d", base, (int)getpid());
    snprintf(env, sizeof env, "log_path=%s", base);
    options(env);
    say("");
    cr_expect_neq(access(name, F_OK), 0, "an empty text leaves no file");
    say("one\n");
    say("two\n");
    FILE *f = fopen(name, "r");
    cr_assert(f);
    cr_expect_eq(fread(got, 1, sizeof got, f), 8);
    cr_expect_str_eq(got, "one\ntwo\n");
    fclose(f);
    unlink(name);
}

Test(log, file_that_cannot_be_written, .init = cr_redirect_stderr)
{
    char want[256];
    options("log_path=/nonexistent/dir/race");
    say("one\n");
    say("two\n");
    snprintf(want, sizeof want,
             "goshawk: GORACE: log_path: cannot write /nonexistent/dir/race.%d: "
             "No such file or directory; reports go to stderr\none\ntwo\n",
             (int)getpid());
    cr_assert_stderr_eq_str(want);
}

Test(log, text_grows)
{
    struct log_text t = {0};
    for (int i = 0; i < 10000; i++)
        log_printf(&t, "%05d\n", i);
    cr_assert_eq(t.len, 60000);
    cr_expect_eq(memcmp(t.buf + 6 * 9999, "09999\n", 6), 0);
}

Test(log, json_strings)
{
    struct log_text t = {0};
    log_json(&t, "a\"b\\c\n\x01\xc3\xa4");
    cr_expect_str_eq(t.buf, "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa4\"");
}
