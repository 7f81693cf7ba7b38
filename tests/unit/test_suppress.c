/* test_suppress.c - patterns and files of suppressions. */
#include "suppress.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char said[4096];

static void listen(const char *line)
{
    strncat(said, line, sizeof said - strlen(said) - 1);
}

Test(suppress, patterns)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } t[] = {
        {"inc", "inc", true},
        {"inc", "increment", true},
        {"cre", "increment", true},
        {"inc", "dec", false},
        {"^cre", "increment", false},
        {"^inc", "increment", true},
        {"ment$", "increment", true},
        {"incr$", "increment", false},
        {"^increment$", "increment", true},
        {"^incr$", "increment", false},
        {"in*nt", "increment", true},
        {"in*nx", "increment", false},
        {"^i*t$", "increment", true},
        {"^c*t$", "increment", false},
        {"*", "", true},
        {"*", "x", true},
        {"", "x", true},
        {"a*b*c", "xaxbxcx", true},
        {"a*b*c", "xcxbxax", false},
        {"^a*b$", "ab", true},
        {"^ab*b$", "ab", false},
        {"a*a$", "a", false},
        {"lib*.so", "/usr/lib/libz.so.1", true},
        {"^*z$", "xyz", true},
        {"$", "abc", true},
        {"^$", "", true},
        {"^$", "a", false},
        {"ab", "aab", true},
        {"aab$", "aaab", true},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        cr_expect_eq(rc_suppress_matches(t[i].pattern, t[i].name), t[i].matches, "%s in %s",
                     t[i].pattern, t[i].name);
}

Test(suppress, file_of_all_kinds)
{
    char text[] = "# known\n"
                  "\n"
                  "race:counter.c\r\n"
                  "  race_top:^fast_path$ \n"
                  "thread:pool\nmutex:m\ndeadlock:d\nsignal:s\n"
                  "called_from_lib:libz.so";
    cr_expect_eq(rc_suppress_add(text, "s.txt", listen), 0, "%s", said);
    cr_expect(rc_suppressed(RC_SUPPRESS_RACE, "/src/counter.c"));
    cr_expect_not(rc_suppressed(RC_SUPPRESS_RACE, "fast_path"));
    cr_expect_not(rc_suppressed(RC_SUPPRESS_RACE, NULL));
    cr_expect(rc_suppressed(RC_SUPPRESS_RACE_TOP, "fast_path"));
    cr_expect_not(rc_suppressed(RC_SUPPRESS_RACE_TOP, "fast_path_2"));
    cr_expect(rc_suppressed(RC_SUPPRESS_LIB, "/lib/libz.so.1"));
    cr_expect(rc_suppress_any(RC_SUPPRESS_DEADLOCK));
}

Test(suppress, wrong_lines_are_named_and_the_others_stand)
{
    char text[] = "race:a\nraces:b\njust words\nrace:\nrace:c\n";
    cr_expect_eq(rc_suppress_add(text, "s.txt", listen), 3);
    cr_expect(strstr(said, "s.txt:2: not a suppression: races:b"), "%s", said);
    cr_expect(strstr(said, "s.txt:3: "));
    cr_expect(strstr(said, "s.txt:4: "));
    cr_expect(rc_suppressed(RC_SUPPRESS_RACE, "a"));
    cr_expect(rc_suppressed(RC_SUPPRESS_RACE, "c"));
    cr_expect_not(rc_suppressed(RC_SUPPRESS_RACE, "b"));
}

Test(suppress, none_at_first)
{
    for (int k = 0; k < RC_SUPPRESS_KINDS; k++)
        cr_expect_not(rc_suppress_any(k));
    cr_expect_not(rc_suppressed(RC_SUPPRESS_RACE, "x"));
}
