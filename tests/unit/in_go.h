/* in_go.h - unit tests of what stands on park and ready: bodies that run as goroutines.
 *
 *     IN_GO(chan, fifo)       is Test(chan, fifo), whose body runs as goroutine 1, three times:
 *     with { ... }                 GOMAXPROCS 1, 2 and 8
 *
 * CHECK(x) ends the test program at once unless x holds; it may stand in any goroutine or thread,
 * where Criterion's own assertions may not.  start(fn, arg) and finish() start goroutines and wait
 * for all of them. */
#ifndef TESTS_UNIT_IN_GO_H
#define TESTS_UNIT_IN_GO_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <goshawk.h>
#include <criterion/criterion.h>
#include "../quiet.h"

#define CHECK(x)              ((x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))
#define CHECK_TEXT(got, want) check_text(__FILE__, __LINE__, (got), (want))

static inline void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold at GOMAXPROCS=%d: %s\n", file, line, go_maxprocs(0),
            what);
    _exit(99);
}

static inline void check_text(const char *file, int line, const char *got, const char *want)
{
    if (got && !strcmp(got, want))
        return;
    fprintf(stderr, "%s:%d: got \"%s\", not \"%s\"\n", file, line, got ? got : "(none)", want);
    _exit(99);
}

/* With fake_sched.c each goroutine is a thread, and go_maxprocs() does nothing: fewer and shorter,
 * and tests that count on one P are disabled there. */
#ifdef FAKE_SCHED
enum { ON_FAKE_SCHED = 1, MANY_GOROUTINES = 100 };
#define ROUNDS(n) ((n) / 20)
#elif defined(GO_UNDER_TSAN) /* slow, and 8000 goroutines at most */
enum { ON_FAKE_SCHED = 0, MANY_GOROUTINES = 4000 };
#define ON_TSAN   1
#define ROUNDS(n) ((n) / 10)
#else
enum { ON_FAKE_SCHED = 0, MANY_GOROUTINES = 20000 };
#define ROUNDS(n) (n)
#endif

/* ThreadSanitizer hands signals over late and has threads of its own, which take processor time and
 * may be able to wake somebody; and it needs memory itself. */
#ifndef ON_TSAN
#define ON_TSAN 0
#endif

/* settle() does not let all run, as goroutines are threads, or are taken for ones that compute. */
enum { NOT_ONE_BY_ONE = ON_FAKE_SCHED || ON_TSAN };

static go_waitgroup started_;

struct start_ {
    void (*fn)(void *);
    void *arg;
};

static inline void run_start_(void *arg)
{
    struct start_ s = *(struct start_ *)arg;
    free(arg);
    s.fn(s.arg);
    go_waitgroup_done(&started_);
}

/* Starts fn(arg) as a goroutine that finish() waits for. */
static inline void start(void (*fn)(void *), void *arg)
{
    struct start_ *s = malloc(sizeof *s);
    CHECK(s);
    *s = (struct start_){fn, arg};
    go_waitgroup_add(&started_, 1);
    go_start(run_start_, s);
}

static inline void finish(void)
{
    go_waitgroup_wait(&started_);
}

#ifdef FAKE_SCHED
/* A while. */
static inline void settle(void)
{
    for (int i = 0; i < 8; i++)
        go_yield();
}
#else
/* Lets the others run until none of them can. */
static inline void settle(void)
{
    CHECK(wait_for_quiet());
}
#endif

/* Runs body with 1, 2 and 8 Ps.  "GO_TEST_PROCS=n" in the environment: with n only. */
static inline int with_procs_(void (*body)(void))
{
    static const int procs[] = {1, 2, 8};
    const char *only = getenv("GO_TEST_PROCS");
    size_t n = only || ON_FAKE_SCHED ? 1 : sizeof procs / sizeof *procs;
    for (size_t i = 0; i < n; i++) {
        go_maxprocs(only ? atoi(only) : procs[i]);
        body();
    }
    return 0;
}

#define IN_GO(suite, name, ...)                                  \
    static void suite##_##name##_body(void);                     \
    static int suite##_##name##_main(int argc, char **argv)      \
    {                                                            \
        (void)argc;                                              \
        (void)argv;                                              \
        return with_procs_(suite##_##name##_body);               \
    }                                                            \
    Test(suite, name, ##__VA_ARGS__)                             \
    {                                                            \
        cr_assert_eq(go_run(suite##_##name##_main, 0, NULL), 0); \
    }                                                            \
    static void suite##_##name##_body(void)

/* A small random number for tests; each user has its own state. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
