/* freed_sizes_program.c - blocks of all sizes that are used after their free, and that are handed
 * out again: pages of which nothing was touched are recorded as a whole (racecheck/fill.h). */
#include "freed.h"

#include <goshawk.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

enum { TIMES = 3 };

static volatile long sink;
static char *volatile block;
static volatile size_t size;

/* Of n bytes, of which only the first was ever used. */
static char *make_block(size_t n)
{
    char *p = malloc(n);
    check(p);
    p[0] = 1;
    return p;
}

static void *drop_block(void *unused)
{
    drop(block);
    return unused;
}

/* The block is freed, unordered with what the caller does next. */
static void *drop_unordered(void *unused)
{
    drop(block);
    step_to(1);
    return unused;
}

static pthread_t freed_elsewhere(size_t n)
{
    block = make_block(n);
    pthread_t t = start(drop_unordered, NULL);
    await_step(1);
    return t;
}

/* A case for each size: up to half of the quarantine's are kept. */
#define OF_EACH_SIZE(what, options, heading)   \
    CASE(what##_of_16_bytes, options, heading) \
    {                                          \
        what(16);                              \
    }                                          \
    CASE(what##_of_4_KiB, options, heading)    \
    {                                          \
        what(4096);                            \
    }                                          \
    CASE(what##_of_100_KiB, options, heading)  \
    {                                          \
        what(100 << 10);                       \
    }                                          \
    CASE(what##_of_3_MiB, options, heading)    \
    {                                          \
        what(3 << 20);                         \
    }

/* ---- in order ---- */

static void read_at_the_end(size_t n)
{
    char *volatile p = make_block(n);
    drop(p);
    sink = p[n - 1];
}
OF_EACH_SIZE(read_at_the_end, "quarantine_size_mb=8", USE)

static void write_in_the_middle(size_t n)
{
    char *volatile p = make_block(n);
    drop(p);
    p[n / 2 + 3] = 1;
}
OF_EACH_SIZE(write_in_the_middle, "quarantine_size_mb=8", USE)

static void atomic_in_the_middle(size_t n)
{
    char *volatile p = make_block(n);
    drop(p);
    __atomic_fetch_add((int *)(p + n / 2), 1, __ATOMIC_RELAXED);
}
OF_EACH_SIZE(atomic_in_the_middle, "quarantine_size_mb=8", USE)

static void fill_of_all(size_t n)
{
    char *volatile p = make_block(n);
    drop(p);
    memset(p, 1, n);
}
OF_EACH_SIZE(fill_of_all, "quarantine_size_mb=8", USE)

static void use_after_join(size_t n)
{
    block = make_block(n);
    pthread_t t = start(drop_block, NULL);
    join(t);
    block[n / 2] = 1;
}
OF_EACH_SIZE(use_after_join, "quarantine_size_mb=8", USE)

static void free_twice(size_t n)
{
    char *volatile p = make_block(n);
    drop(p);
    drop(p);
}
OF_EACH_SIZE(free_twice, "quarantine_size_mb=8", "DOUBLE FREE")

static void old_place_after_realloc(size_t n)
{
    char *volatile p = make_block(n);
    check(resize(p, n * 2) != p);
    p[n - 1] = 1;
}
OF_EACH_SIZE(old_place_after_realloc, "quarantine_size_mb=8", USE)

/* Objects whose use is no access, on pages of which nothing was touched. */
static void *freed_zeros(void)
{
    char *p = calloc(25, 4096);
    check(p);
    drop(p);
    return p + 50000;
}

REPORT(signal_of_a_condition_on_an_untouched_page, USE)
{
    pthread_cond_signal(freed_zeros());
}

REPORT(signal_of_a_goroutines_condition_on_an_untouched_page, USE)
{
    go_cond_signal(freed_zeros());
}

/* ---- without order ---- */

static void unordered_use(size_t n)
{
    pthread_t t = freed_elsewhere(n);
    block[n / 2] = 1;
    join(t);
}
OF_EACH_SIZE(unordered_use, "quarantine_size_mb=8", "DATA RACE")

/* ---- handed out again, which nothing orders after the free ---- */

static void touch(volatile char *p, size_t n)
{
    for (size_t i = 0; i < n; i += 61)
        p[i] = (char)i;
    p[n - 1] = 1;
}

/* Blocks of many sizes, so that pages are handed out in part. */
static void use_parts(size_t n)
{
    char *p[8];
    for (size_t i = 0; i < 8; i++) {
        p[i] = malloc(n / (i + 1) + 1);
        check(p[i]);
        touch(p[i], n / (i + 1) + 1);
    }
    for (int i = 0; i < 8; i++)
        drop(p[i]);
}

static void by_malloc(size_t n)
{
    pthread_t t = freed_elsewhere(n);
    for (int i = 0; i < TIMES; i++)
        use_parts(n);
    join(t);
}
OF_EACH_SIZE(by_malloc, "quarantine_size_mb=0", "")

static void by_malloc_after_quarantine(size_t n)
{
    pthread_t t = freed_elsewhere(n);
    for (int i = 0; i < 20; i++) {
        use_parts(n);
        use_parts(200000);
    }
    join(t);
}
OF_EACH_SIZE(by_malloc_after_quarantine, "quarantine_size_mb=1", "")

static void by_realloc(size_t n)
{
    pthread_t t = freed_elsewhere(n);
    size_t m = n / 4 + 1;
    char *p = malloc(m);
    check(p);
    for (int i = 0; i < 6; i++, m = m * 3 / 2) {
        touch(p, m);
        p = resize(p, m * 3 / 2);
        touch(p, m * 3 / 2);
    }
    drop(p);
    join(t);
}
OF_EACH_SIZE(by_realloc, "quarantine_size_mb=0", "")

static void by_mmap(size_t n)
{
    pthread_t t = freed_elsewhere(n);
    for (int i = 0; i < TIMES; i++) {
        size_t m = n + 4096 * (size_t)i;
        char *p = mmap(NULL, m, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(p != MAP_FAILED);
        touch(p, m);
        munmap(p, m);
    }
    join(t);
}
OF_EACH_SIZE(by_mmap, "quarantine_size_mb=0", "")

static void on_signal(int sig)
{
    (void)sig;
    use_parts(size);
}

static void by_a_signal_handler(size_t n)
{
    pthread_t t = freed_elsewhere(n);
    size = n;
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < TIMES; i++)
        raise(SIGUSR1);
    join(t);
}
OF_EACH_SIZE(by_a_signal_handler, "quarantine_size_mb=0", "")

/* The cases above would say little if their blocks lay elsewhere. */
CASE(most_of_a_block_is_handed_out_again, "quarantine_size_mb=0", "")
{
    pthread_t t = freed_elsewhere(100 << 10);
    char *was = block, *p = malloc(33 << 10), *q = malloc(33 << 10);
    check(p && p >= was && p < was + (100 << 10));
    check(q && q >= was && q < was + (100 << 10));
    touch(p, 33 << 10);
    touch(q, 33 << 10);
    drop(p);
    drop(q);
    join(t);
}

/* ---- what a report leaves behind ---- */

static void *races(void *arg)
{
    size = size + 1;
    return arg;
}

static void *asks_for_sizes(void *arg)
{
    for (size_t n = 70000; n < 90000; n += 100) {
        char *p = malloc(n);
        check(p && malloc_usable_size(p) == n);
        free(p);
    }
    return arg;
}

/* The library that reads debug information has asked for memory, here, and the reporter has freed
 * it.  With libc's own heap the next thread's blocks begin where those did. */
CASE(sizes_of_blocks_after_a_report, "quarantine_size_mb=0", "DATA RACE")
{
    for (int i = 0; i < 20; i++) {
        pthread_t t = start(races, NULL);
        size = size + 1;
        join(t);
        join(start(asks_for_sizes, NULL));
        asks_for_sizes(NULL);
    }
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
