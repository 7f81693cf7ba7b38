/* fake_runner.h - as much of Criterion as the tests on threads need: the compilers' sanitizers and
 * Criterion's own threads do not go together.  Each test runs in a child; the output is TAP. */
#ifndef TESTS_UNIT_FAKE_RUNNER_H
#define TESTS_UNIT_FAKE_RUNNER_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct fake_options {
    int exit_code, timeout, disabled;
};

struct fake_test {
    const char *name;
    void (*fn)(void);
    struct fake_options options;
    struct fake_test *next;
};

static struct fake_test *fake_tests, **fake_tests_end = &fake_tests;

#define Test(suite, test, ...)                                              \
    static void suite##_##test##_test(void);                                \
    __attribute__((constructor)) static void suite##_##test##_add(void)     \
    {                                                                       \
        static struct fake_test t = {                                       \
            #suite "::" #test, suite##_##test##_test, {__VA_ARGS__}, NULL}; \
        *fake_tests_end = &t;                                               \
        fake_tests_end = &t.next;                                           \
    }                                                                       \
    static void suite##_##test##_test(void)

#define cr_assert_eq(a, b) ((a) == (b) ? (void)0 : exit(98))

static int fake_run(const struct fake_test *t)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        alarm(t->options.timeout ? (unsigned)t->options.timeout : 100);
        t->fn();
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(void)
{
    int n = 0, bad = 0;
    for (struct fake_test *t = fake_tests; t; t = t->next) {
        n++;
        if (t->options.disabled) {
            printf("ok %d %s # SKIP\n", n, t->name);
            continue;
        }
        fflush(stdout);
        int status = fake_run(t);
        bool ok = status == t->options.exit_code;
        bad += !ok;
        printf("%s %d %s (%d)\n", ok ? "ok" : "not ok", n, t->name, status);
    }
    printf("1..%d\n", n);
    return bad != 0;
}

#endif
