/* test_flags.c - GORACE: defaults, every kind of option, every kind of mistake. */
#include "flags.h"
#include <criterion/criterion.h>
#include <string.h>

static char said[4096];

static void listen(const char *line)
{
    strncat(said, line, sizeof said - strlen(said) - 1);
}

static struct rc_flags f;

static int parse(const char *text)
{
    said[0] = 0;
    return rc_flags_parse(&f, text, listen);
}

static void expect_defaults(void)
{
    cr_expect_str_eq(f.log_path, "stderr");
    cr_expect_eq(f.exitcode, 66);
    cr_expect_str_empty(f.strip_path_prefix);
    cr_expect_eq(f.halt_on_error, 0);
    cr_expect_eq(f.atexit_sleep_ms, 1000);
    cr_expect_str_empty(f.suppressions);
    cr_expect_eq(f.format, RC_FORMAT_TEXT);
    cr_expect_eq(f.exact, 1);
    cr_expect_eq(f.color, RC_COLOR_AUTO);
    cr_expect_eq(f.quarantine_size_mb, 1);
    cr_expect_eq(f.report_thread_leaks, 0);
    cr_expect_eq(f.report_goroutine_leaks, 0);
    cr_expect(f.max_reports == 0 && f.max_frames == 0 && f.print_suppressions == 0);
}

Test(flags, defaults)
{
    cr_expect_eq(parse(NULL), 0);
    expect_defaults();
    cr_expect_eq(parse("  \t\n"), 0);
    expect_defaults();
    cr_expect_str_empty(said);
    f = *rc_flags();
    expect_defaults();
}

Test(flags, every_option)
{
    int wrong = parse("log_path=/tmp/race exitcode=0 strip_path_prefix=/src/ history_size=7 "
                      "halt_on_error=1\tatexit_sleep_ms=0 suppressions=a.txt format=json exact=0");
    cr_expect_eq(wrong, 0, "%s", said);
    cr_expect_str_eq(f.log_path, "/tmp/race");
    cr_expect_eq(f.exitcode, 0);
    cr_expect_str_eq(f.strip_path_prefix, "/src/");
    cr_expect_eq(f.history_size, 7);
    cr_expect_eq(f.halt_on_error, 1);
    cr_expect_eq(f.atexit_sleep_ms, 0);
    cr_expect_str_eq(f.suppressions, "a.txt");
    cr_expect_eq(f.format, RC_FORMAT_JSON);
    cr_expect_eq(f.exact, 0);
}

Test(flags, last_one_wins_and_empty_is_a_text)
{
    cr_expect_eq(parse("exitcode=1 exitcode=2 log_path="), 0);
    cr_expect_eq(f.exitcode, 2);
    cr_expect_str_empty(f.log_path);
}

Test(flags, quotes_keep_blanks)
{
    cr_expect_eq(parse("log_path='/my logs/race' strip_path_prefix=\"/a b/\" exitcode=3"), 0);
    cr_expect_str_eq(f.log_path, "/my logs/race");
    cr_expect_str_eq(f.strip_path_prefix, "/a b/");
    cr_expect_eq(f.exitcode, 3);
    cr_expect_eq(parse("log_path='open"), 0);
    cr_expect_str_eq(f.log_path, "open");
}

Test(flags, unknown_option_is_named_with_the_known_ones)
{
    cr_expect_eq(parse("exit_code=3 exitcode=4"), 1);
    cr_expect(strstr(said, "exit_code: no such option"), "%s", said);
    cr_expect(strstr(said, " exitcode= ") && strstr(said, " format="), "%s", said);
    cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "one line");
    cr_expect_eq(f.exitcode, 4);
}

Test(flags, wrong_values_keep_the_default)
{
    static const char *const wrong[] = {
        "exitcode=",       "exitcode=six",       "exitcode=6x",
        "exitcode=256",    "exitcode=-1",        "exitcode=99999999999999999999",
        "halt_on_error=2", "halt_on_error=true", "format=xml",
        "format=",         "format=text|json",   "exitcode",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(parse(wrong[i]), 1, "%s", wrong[i]);
        cr_expect_eq(strncmp(said, "goshawk: GORACE: ", 17), 0);
        expect_defaults();
    }
}

Test(flags, too_long_a_value)
{
    char text[RC_TEXT_MAX + 100];
    memset(text, 'x', sizeof text);
    memcpy(text, "log_path=", 9);
    text[sizeof text - 1] = 0;
    cr_expect_eq(parse(text), 1);
    cr_expect_str_eq(f.log_path, "stderr");
    text[9 + RC_TEXT_MAX - 1] = 0; /* the longest that fits */
    cr_expect_eq(parse(text), 0);
    cr_expect_eq(strlen(f.log_path), RC_TEXT_MAX - 1);
}
