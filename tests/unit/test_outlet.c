/* test_outlet.c - reports leave by log and callback; limit and colour; used suppressions. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include "flags.h"
#include "outlet.h"
#include "suppress.h"

static char heard[4096];

static void hear(const struct rc_report *r, void *arg)
{
    cr_expect_str_eq(r->kind, "race");
    cr_expect_eq(arg, heard);
    strcat(heard, r->text);
}

static void options(const char *text)
{
    setenv("GORACE", text, 1);
    rc_flags_init();
}

static void send(unsigned number, const char *words)
{
    struct log_text t = {0};
    log_printf(&t, "%s", words);
    unsigned count = number - 1;
    outlet_send(&t, (struct rc_report){number, "race", "0123456789abcdef", NULL}, &count);
    cr_assert_eq(count, number);
    cr_expect_null(t.buf);
}

Test(outlet, the_callback_hears_what_is_logged, .init = cr_redirect_stderr)
{
    options("");
    rc_on_report(hear, heard);
    send(1, "WARNING: one\n");
    rc_on_report(NULL, NULL);
    send(2, "WARNING: two\n");
    cr_expect_str_eq(heard, "WARNING: one\n");
    cr_assert_stderr_eq_str("WARNING: one\nWARNING: two\n");
}

Test(outlet, beyond_the_limit_only_the_callback_hears, .init = cr_redirect_stderr)
{
    options("max_reports=2");
    rc_on_report(hear, heard);
    for (unsigned i = 1; i <= 4; i++)
        send(i, "x\n");
    cr_expect_str_eq(heard, "x\nx\nx\nx\n");
    cr_assert_stderr_eq_str("x\nx\nNo more than 2 reports are printed: GORACE=max_reports\n");
}

Test(outlet, says_once_that_nothing_is_watched, .init = cr_redirect_stderr)
{
    options("");
    outlet_unwatched();
    outlet_unwatched();
    cr_assert_stderr_eq_str(
        "goshawk: no code here was compiled for the race detector, only calls of libraries were "
        "checked; compile with goshawk cc -race (or -fsanitize=thread, and for gcc -fno-lto)\n");
}

Test(outlet, says_nothing_of_code_that_is_watched, .init = cr_redirect_stderr)
{
    options("");
    outlet_watches();
    outlet_unwatched();
    cr_assert_stderr_eq_str("");
}

Test(outlet, colour_for_the_log_alone, .init = cr_redirect_stderr)
{
    options("color=always");
    rc_on_report(hear, heard);
    send(1, "===\nWARNING: DATA RACE\nWrite by:\n  f() a.c:1\n\n");
    cr_expect_str_eq(heard, "===\nWARNING: DATA RACE\nWrite by:\n  f() a.c:1\n\n");
    cr_assert_stderr_eq_str("\033[2m===\033[0m\n\033[1;31mWARNING: DATA RACE\033[0m\n"
                            "\033[1mWrite by:\033[0m\n  f() a.c:1\n\n");
}

Test(outlet, no_colour_in_files_pipes_and_json, .init = cr_redirect_stderr)
{
    options("");
    setenv("TERM", "xterm", 1);
    send(1, "WARNING\n"); /* stderr is a pipe here */
    options("color=always format=json");
    send(2, "{}\n");
    options("color=never");
    send(3, "WARNING\n");
    cr_assert_stderr_eq_str("WARNING\n{}\nWARNING\n");
}

static void quiet(const char *line)
{
    (void)line;
}

Test(outlet, suppressions_on_request_and_once, .init = cr_redirect_stderr)
{
    static char list[] = "race:^f$\nthread:g\n";
    options("");
    cr_assert_eq(rc_suppress_add(list, "here", quiet), 0);
    cr_assert(rc_suppressed(RC_SUPPRESS_RACE, "f") && !rc_suppressed(RC_SUPPRESS_RACE, "ff"));
    outlet_suppressions();
    options("print_suppressions=1");
    outlet_suppressions();
    outlet_suppressions();
    cr_assert_stderr_eq_str("Suppressions, and how many reports each kept back:\n"
                            "       1 race:^f$\n       0 thread:g\n");
}
