/* criterion.h - stands in for Criterion where that cannot be: on another processor's emulator (it
 * starts itself again, which an emulator cannot), under the compilers' sanitizers (its threads and
 * theirs do not go together), and where it is not installed.
 *
 * As much of it as our tests use.  Each test runs in a forked child; the output is TAP.  A failed
 * cr_assert ends the child, a failed cr_expect lets it go on and fail at its end.
 * GOSHAWK_TEST_SLOWER=n in the environment makes every time limit n times as long. */
#ifndef STANDIN_CRITERION_H
#define STANDIN_CRITERION_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct standin_options {
    int exit_code, signal, timeout, disabled;
    void (*init)(void);
    void (*fini)(void);
};

struct standin_test {
    const char *name;
    void (*fn)(void);
    struct standin_options options;
    struct standin_test *next;
};

/* What a suite's tests have in common: init and fini only. */
struct standin_suite {
    const char *name;
    struct standin_options options;
    struct standin_suite *next;
};

static struct standin_test *standin_tests, **standin_tests_end = &standin_tests;
static struct standin_suite *standin_suites;
static volatile int standin_expectations_failed;

#define Test(suite, test, ...)                                              \
    static void suite##_##test##_test(void);                                \
    __attribute__((constructor)) static void suite##_##test##_add(void)     \
    {                                                                       \
        static struct standin_test t = {                                    \
            #suite "::" #test, suite##_##test##_test, {__VA_ARGS__}, NULL}; \
        *standin_tests_end = &t;                                            \
        standin_tests_end = &t.next;                                        \
    }                                                                       \
    static void suite##_##test##_test(void)

#define TestSuite(suite, ...)                                                            \
    __attribute__((constructor)) static void suite##_suite_add(void)                     \
    {                                                                                    \
        static struct standin_suite s = {.name = #suite "::", .options = {__VA_ARGS__}}; \
        s.next = standin_suites;                                                         \
        standin_suites = &s;                                                             \
    }                                                                                    \
    struct standin_suite

enum { STANDIN_SKIPPED = 96, STANDIN_EXPECTATION_FAILED = 97, STANDIN_ASSERTION_FAILED = 98 };

__attribute__((format(printf, 5, 6), unused)) static void
standin_failed(int fatal, const char *file, int line, const char *what, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: does not hold: %s", file, line, what);
    if (fmt[1]) { /* after the space of STANDIN_CHECK_ */
        fputc(':', stderr);
        vfprintf(stderr, fmt, ap);
    }
    fputc('\n', stderr);
    va_end(ap);
    standin_expectations_failed = 1;
    if (fatal) {
        fflush(NULL);
        _exit(STANDIN_ASSERTION_FAILED);
    }
}

/* The message, a format that is a literal, is optional everywhere. */
#define STANDIN_CHECK_(x, fatal, what, ...) \
    ((x) ? (void)0 : standin_failed(fatal, __FILE__, __LINE__, what, " " __VA_ARGS__))

#define cr_assert(x, ...)           STANDIN_CHECK_(x, 1, #x, ##__VA_ARGS__)
#define cr_assert_not(x, ...)       STANDIN_CHECK_(!(x), 1, "!" #x, ##__VA_ARGS__)
#define cr_assert_null(x, ...)      STANDIN_CHECK_((x) == NULL, 1, #x " is NULL", ##__VA_ARGS__)
#define cr_assert_not_null(x, ...)  STANDIN_CHECK_((x) != NULL, 1, #x " not NULL", ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...)     STANDIN_CHECK_((a) == (b), 1, #a " == " #b, ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...)    STANDIN_CHECK_((a) != (b), 1, #a " != " #b, ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...)     STANDIN_CHECK_((a) < (b), 1, #a " < " #b, ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...)    STANDIN_CHECK_((a) <= (b), 1, #a " <= " #b, ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...)     STANDIN_CHECK_((a) > (b), 1, #a " > " #b, ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...)    STANDIN_CHECK_((a) >= (b), 1, #a " >= " #b, ##__VA_ARGS__)
#define cr_assert_fail(...)         STANDIN_CHECK_(0, 1, "this place", ##__VA_ARGS__)
#define cr_assert_str_empty(s, ...) STANDIN_CHECK_(!*(s), 1, #s " is empty", ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) \
    STANDIN_CHECK_(!strcmp((a), (b)), 1, #a " equals " #b, ##__VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) \
    STANDIN_CHECK_(strcmp((a), (b)), 1, #a " differs from " #b, ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) \
    STANDIN_CHECK_(!memcmp((a), (b), (n)), 1, #a " equals " #b, ##__VA_ARGS__)

#define cr_expect(x, ...)           STANDIN_CHECK_(x, 0, #x, ##__VA_ARGS__)
#define cr_expect_not(x, ...)       STANDIN_CHECK_(!(x), 0, "!" #x, ##__VA_ARGS__)
#define cr_expect_null(x, ...)      STANDIN_CHECK_((x) == NULL, 0, #x " is NULL", ##__VA_ARGS__)
#define cr_expect_not_null(x, ...)  STANDIN_CHECK_((x) != NULL, 0, #x " not NULL", ##__VA_ARGS__)
#define cr_expect_eq(a, b, ...)     STANDIN_CHECK_((a) == (b), 0, #a " == " #b, ##__VA_ARGS__)
#define cr_expect_neq(a, b, ...)    STANDIN_CHECK_((a) != (b), 0, #a " != " #b, ##__VA_ARGS__)
#define cr_expect_lt(a, b, ...)     STANDIN_CHECK_((a) < (b), 0, #a " < " #b, ##__VA_ARGS__)
#define cr_expect_leq(a, b, ...)    STANDIN_CHECK_((a) <= (b), 0, #a " <= " #b, ##__VA_ARGS__)
#define cr_expect_gt(a, b, ...)     STANDIN_CHECK_((a) > (b), 0, #a " > " #b, ##__VA_ARGS__)
#define cr_expect_geq(a, b, ...)    STANDIN_CHECK_((a) >= (b), 0, #a " >= " #b, ##__VA_ARGS__)
#define cr_expect_str_empty(s, ...) STANDIN_CHECK_(!*(s), 0, #s " is empty", ##__VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) \
    STANDIN_CHECK_(!strcmp((a), (b)), 0, #a " equals " #b, ##__VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) \
    STANDIN_CHECK_(strcmp((a), (b)), 0, #a " differs from " #b, ##__VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...)                                                \
    STANDIN_CHECK_((a) - (b) <= (e) && (b) - (a) <= (e), 0, #a " is " #b " within " #e, \
                   ##__VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...) \
    STANDIN_CHECK_(!memcmp((a), (b), (n)), 0, #a " equals " #b, ##__VA_ARGS__)

#define cr_log_info(...) (fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))

#define cr_skip_test(...)             \
    do {                              \
        fprintf(stderr, __VA_ARGS__); \
        fputc('\n', stderr);          \
        _exit(STANDIN_SKIPPED);       \
    } while (0)

static unsigned standin_limit(int seconds)
{
    const char *slower = getenv("GOSHAWK_TEST_SLOWER");
    int times = slower ? atoi(slower) : 1;
    return (unsigned)((seconds ? seconds : 100) * (times > 0 ? times : 1));
}

/* The suite of a test, or an empty one. */
static const struct standin_suite *standin_suite_of(const struct standin_test *t)
{
    static const struct standin_suite none;
    const struct standin_suite *s = standin_suites;
    while (s && strncmp(t->name, s->name, strlen(s->name)) != 0)
        s = s->next;
    return s ? s : &none;
}

/* Exit code, or 1000 + the signal. */
static int standin_run(const struct standin_test *t)
{
    int status;
    const struct standin_suite *suite = standin_suite_of(t);
    pid_t child = fork();
    if (child == 0) {
        alarm(standin_limit(t->options.timeout));
        if (suite->options.init)
            suite->options.init();
        if (t->options.init)
            t->options.init();
        t->fn();
        if (t->options.fini)
            t->options.fini();
        if (suite->options.fini)
            suite->options.fini();
        fflush(NULL);
        _exit(standin_expectations_failed ? STANDIN_EXPECTATION_FAILED : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    int n = 0, bad = 0;
    for (struct standin_test *t = standin_tests; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1]))
            continue;
        n++;
        int status = STANDIN_SKIPPED;
        fflush(stdout);
        if (!t->options.disabled)
            status = standin_run(t);
        int wanted = t->options.signal ? 1000 + t->options.signal : t->options.exit_code;
        int skipped = status == STANDIN_SKIPPED, ok = skipped || status == wanted;
        bad += !ok;
        printf("%sok %d %s%s (%d)\n", ok ? "" : "not ", n, t->name, skipped ? " # SKIP" : "",
               status);
    }
    printf("1..%d\n", n);
    return bad != 0;
}

#endif
