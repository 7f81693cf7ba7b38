/* six.h - races that detectors with limits lose; shared by six_cases.c and six_pthread_cases.c.
 *
 * In each, two accesses conflict and nothing orders them; between them lies what makes a detector
 * forget the first one: other accesses to the same word, calls, short-lived flows, lock
 * operations, the size of a block.  The sixth is the other way round: a correct program that
 * detectors without fences accuse. */
#ifndef TESTS_RACE_SIX_H
#define TESTS_RACE_SIX_H

#include "race.h"

#include <malloc.h>
#include <stdatomic.h>

enum {
    CALLS = 1000000, /* libtsan 14 forgets at 40 thousand */
    PAIRS = 6000000, /* at 4.2 million */
    FLOWS = 600,     /* at 255 */
    AT = 2000,       /* after 1024 bytes */
    BLOCK = 65536,
};

/* RACE_CASE_TIMES=10 makes all of it ten times as large (tools/dev soak cases). */
FRAME int times(int n)
{
    const char *text = getenv("RACE_CASE_TIMES");
    return text ? n * atoi(text) : n;
}

/* External, so that no compiler can tell that nobody reads them. */
char bytes[8] __attribute__((aligned(8)));
int deep;
static atomic_int flag;

/* So that a block may be touched after its free, however large it is. */
FRAME void keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

FRAME void write_x(void)
{
    x = 1;
}

FRAME void write_byte_0(void)
{
    bytes[0] = 1;
}

FRAME void write_other_bytes(void)
{
    for (int n = times(1); n > 0; n--)
        for (int i = 1; i < 8; i++)
            bytes[i] = 1;
}

FRAME void call_inner(int i)
{
    deep += i;
}

FRAME void make_calls(void)
{
    for (int i = times(CALLS); i > 0; i--)
        call_inner(i);
}

FRAME void free_block(void *p)
{
    free(p);
}

FRAME void write_at_2000(char *p)
{
    p[times(AT)] = 1;
}

FRAME void publish_x(void)
{
    x = 42;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
}

FRAME void consume_x(void)
{
    while (atomic_load_explicit(&flag, memory_order_relaxed) == 0)
        go_yield();
    atomic_thread_fence(memory_order_acquire);
    x++;
}

#endif
