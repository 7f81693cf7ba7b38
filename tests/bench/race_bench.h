/* race_bench.h - what the halves of the detector's benchmark share.
 *
 * race_access.c has single operations, race_work.c small programs.  Both are compiled once with
 * -fsanitize=thread; the same objects are linked with our detector and with the compilers' own, and
 * the programs run in turn: the ratio is the figure.
 *
 *     race_bench --list         the operations, one a line
 *     race_bench OPERATION      OPERATION ns_per_op rss_kb
 *
 * What one thread does is measured in its processor's time, so that other work on the machine
 * counts little; what several threads do together, by the clock on the wall. */
#ifndef TESTS_BENCH_RACE_BENCH_H
#define TESTS_BENCH_RACE_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Not seen by the detector; seen by it, and a function of its own. */
#define QUIET __attribute__((no_sanitize("thread"), noinline))
#define LOUD  __attribute__((noinline))

enum { SMALL = 512 << 10, LARGE = 64 << 20 };

extern uint64_t *data; /* LARGE bytes */
extern volatile uint64_t sink;

struct race_op {
    const char *name;
    double (*once)(void); /* nanoseconds an operation */
};

extern const struct race_op race_work[]; /* ends with a NULL name */

static inline QUIET double clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

#define TIMED_BY(clock, name, ops, ...)               \
    static QUIET double name(void)                    \
    {                                                 \
        double t = clock_ns(clock);                   \
        __VA_ARGS__;                                  \
        return (clock_ns(clock) - t) / (double)(ops); \
    }
#define TIMED(name, ops, ...)   TIMED_BY(CLOCK_THREAD_CPUTIME_ID, name, ops, __VA_ARGS__)
#define ON_WALL(name, ops, ...) TIMED_BY(CLOCK_MONOTONIC, name, ops, __VA_ARGS__)

#endif
