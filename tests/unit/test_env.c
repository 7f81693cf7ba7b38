/* test_env.c - every variable, good values and bad ones; a bad one is named in one line and
 * ignored. */
#include "in_child.h"
#include "env.h"

static void expect_size(const char *text, uint64_t want)
{
    uint64_t got = 0;
    cr_expect(env_parse_size(text, &got), "%s", text);
    cr_expect_eq(got, want, "%s: %lu", text, (unsigned long)got);
}

static void expect_no_size(const char *text)
{
    uint64_t got = 77;
    cr_expect(!env_parse_size(text, &got), "%s", text);
    cr_expect_eq(got, 77);
}

Test(env, sizes)
{
    expect_size("0", 0);
    expect_size("123", 123);
    expect_size("64k", 64 << 10);
    expect_size("64K", 64 << 10);
    expect_size("8M", 8 << 20);
    expect_size("8m", 8 << 20);
    expect_size("1G", 1 << 30);
    expect_size("18446744073709551615", UINT64_MAX);
    expect_size("17179869183G", 17179869183ull << 30);
    expect_no_size("");
    expect_no_size("k");
    expect_no_size("-1");
    expect_no_size("+1");
    expect_no_size(" 1");
    expect_no_size("1 ");
    expect_no_size("1kk");
    expect_no_size("1T");
    expect_no_size("0x10");
    expect_no_size("1.5M");
    expect_no_size("18446744073709551616");
    expect_no_size("17179869184G");
}

static int print_env(void)
{
    env_read();
    printf("maxprocs=%u traceback=%d seeded=%d seed=%llu stack=%llu migrate=%d%s\n", env.maxprocs,
           env.traceback, env.seeded, (unsigned long long)env.seed,
           (unsigned long long)env.stack_bytes, env.migrate, env.preempt ? " preempt" : "");
    return 0;
}

#define DEFAULTS "maxprocs=0 traceback=1 seeded=0 seed=0 stack=0 migrate=0\n"

/* With the one variable set the child prints exactly want. */
static void expect_env(const char *setting, const char *want)
{
    const char *names[] = {"GOMAXPROCS", "GOTRACEBACK", "GOSHAWK_SEED", "GOSHAWK_STACK",
                           "GOSHAWK_DEBUG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    struct child c = in_plain_child(print_env, setting, NULL);
    EXPECT_STATUS(&c, 0);
    cr_expect_str_eq(c.out, want, "%s: \"%s\", not \"%s\"", setting, c.out, want);
}

Test(env, nothing_set)
{
    expect_env(NULL, DEFAULTS);
    expect_env("GOMAXPROCS=", DEFAULTS);
    expect_env("GOSHAWK_STACK=", DEFAULTS);
}

Test(env, maxprocs)
{
    expect_env("GOMAXPROCS=3", "maxprocs=3 traceback=1 seeded=0 seed=0 stack=0 migrate=0\n");
    expect_env("GOMAXPROCS=99999999999",
               "maxprocs=1048576 traceback=1 seeded=0 seed=0 stack=0 migrate=0\n");
    const char *bad[] = {"abc", "0", "-2", "1x", "3 ", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char setting[80], want[300];
        snprintf(setting, sizeof setting, "GOMAXPROCS=%s", bad[i]);
        snprintf(want, sizeof want,
                 "goshawk: %s is not a number of processors (1 or more); ignored\n" DEFAULTS,
                 setting);
        expect_env(setting, want);
    }
}

Test(env, traceback)
{
    const char *names[] = {"none", "single", "all", "system", "crash"};
    for (int i = 0; i < 5; i++) {
        char setting[80], want[300];
        snprintf(setting, sizeof setting, "GOTRACEBACK=%s", names[i]);
        snprintf(want, sizeof want, "maxprocs=0 traceback=%d seeded=0 seed=0 stack=0 migrate=0\n",
                 i);
        expect_env(setting, want);
    }
    expect_env("GOTRACEBACK=0", "maxprocs=0 traceback=0 seeded=0 seed=0 stack=0 migrate=0\n");
    expect_env("GOTRACEBACK=1", "maxprocs=0 traceback=2 seeded=0 seed=0 stack=0 migrate=0\n");
    expect_env("GOTRACEBACK=2", "maxprocs=0 traceback=3 seeded=0 seed=0 stack=0 migrate=0\n");
    expect_env("GOTRACEBACK=loud",
               "goshawk: GOTRACEBACK=loud is not one of none, single, all, system, "
               "crash; ignored\n" DEFAULTS);
}

Test(env, seed)
{
    expect_env("GOSHAWK_SEED=0", "maxprocs=0 traceback=1 seeded=1 seed=0 stack=0 migrate=0\n");
    expect_env("GOSHAWK_SEED=18446744073709551615",
               "maxprocs=0 traceback=1 seeded=1 seed=18446744073709551615 stack=0 migrate=0\n");
    expect_env("GOSHAWK_SEED=1e3", "goshawk: GOSHAWK_SEED=1e3 is not a number; ignored\n" DEFAULTS);
    expect_env("GOSHAWK_SEED=18446744073709551616",
               "goshawk: GOSHAWK_SEED=18446744073709551616 is not a number; ignored\n" DEFAULTS);
}

Test(env, stack)
{
    expect_env("GOSHAWK_STACK=1M",
               "maxprocs=0 traceback=1 seeded=0 seed=0 stack=1048576 migrate=0\n");
    expect_env("GOSHAWK_STACK=big",
               "goshawk: GOSHAWK_STACK=big is not a size such as 256k or 1M; ignored\n" DEFAULTS);
}

Test(env, debug)
{
    expect_env("GOSHAWK_DEBUG=migrate",
               "maxprocs=0 traceback=1 seeded=0 seed=0 stack=0 migrate=1\n");
    expect_env("GOSHAWK_DEBUG=preempt",
               "maxprocs=0 traceback=1 seeded=0 seed=0 stack=0 migrate=0 preempt\n");
    expect_env("GOSHAWK_DEBUG=preempt,migrate",
               "maxprocs=0 traceback=1 seeded=0 seed=0 stack=0 migrate=1 preempt\n");
    expect_env("GOSHAWK_DEBUG=migrate,,pre",
               "goshawk: GOSHAWK_DEBUG=pre is not known (migrate, preempt and schedtrace=MS are); "
               "ignored\n"
               "maxprocs=0 traceback=1 seeded=0 seed=0 stack=0 migrate=1\n");
    expect_env("GOSHAWK_DEBUG=x",
               "goshawk: GOSHAWK_DEBUG=x is not known (migrate, preempt and schedtrace=MS are); "
               "ignored\n" DEFAULTS);
    expect_env(
        "GOSHAWK_DEBUG=schedtrace=,migrate",
        "goshawk: GOSHAWK_DEBUG=schedtrace= is not known (migrate, preempt and schedtrace=MS are); "
        "ignored\nmaxprocs=0 traceback=1 seeded=0 seed=0 stack=0 migrate=1\n");
}

static int print_schedtrace(void)
{
    env_read();
    printf("%u %d\n", env.schedtrace_ms, env.migrate);
    return 0;
}

Test(env, several_of_debug)
{
    struct child c = in_plain_child(print_schedtrace, "GOSHAWK_DEBUG=schedtrace=50,migrate", NULL);
    cr_expect_str_eq(c.out, "50 1\n");
    c = in_plain_child(print_schedtrace, "GOSHAWK_DEBUG=migrate,,schedtrace=1000,", NULL);
    cr_expect_str_eq(c.out, "1000 1\n");
}
