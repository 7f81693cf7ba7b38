/* bench_event.c - what an event costs, beside the counter that it reads: bench_event [FILE]
 *     bench_event --off N, --loop N: N turns of a loop with a hook that is off, or none, to count
 *     instructions
 *
 * Prints nanoseconds for a bare counter read, for events without a stack, for a block with its
 * stack, and for a call of the recorder while nothing is recorded; bytes an event; and events a
 * second read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "reader.h"

enum { EVENTS = 600000, BLOCKS = 60000, BEST_OF = 20 }; /* short, to find quiet moments */

static const char *path;
static struct tr_stream *stream;
static uint64_t sink;

static void bare(void)
{
    for (int i = 0; i < EVENTS; i++)
        sink += clock_ticks();
}

static void events(void)
{
    for (int i = 0; i < EVENTS / 3; i++) { /* a turn of a ping-pong, without its block */
        uint64_t g = 100 + (uint64_t)(i & 1);
        tr_go_start(stream, g, 0, NULL);
        tr_go_ready(stream, g ^ 1, 0, TR_CHAN_RECV, &stream);
        tr_go_yield(stream, g);
    }
}

static void blocks(void)
{
    for (int i = 0; i < BLOCKS; i++)
        tr_go_block(stream, 100, TR_CHAN_RECV, &stream);
}

static void off(void)
{
    for (int i = 0; i < EVENTS; i++)
        if (__builtin_expect(__atomic_load_n(&tr_on, __ATOMIC_RELAXED), 0))
            tr_go_yield(stream, 100);
}

static void empty_turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        __asm__ volatile("" ::: "memory");
}

static void off_turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        __asm__ volatile("" ::: "memory");
        if (__builtin_expect(__atomic_load_n(&tr_on, __ATOMIC_RELAXED), 0))
            tr_go_yield(stream, 100);
    }
}

static double best(void (*fn)(void), int n, int record)
{
    double least = 1e9;
    for (int i = 0; i < BEST_OF; i++) {
        if (record && tr_start(path) != 0) {
            fprintf(stderr, "bench_event: cannot record to %s\n", path);
            exit(1);
        }
        if (record)
            tr_p_start(stream, 0); /* takes the first chunk */
        int64_t t = clock_nanos();
        fn();
        double ns = (double)(clock_nanos() - t) / n;
        least = ns < least ? ns : least;
        if (record)
            tr_stop();
    }
    return least;
}

static void reading(void)
{
    struct tr_reader *r;
    struct tr_event e;
    char err[TR_ERR_MAX];
    if (tr_reader_open(path, &r, err) != 0)
        exit(1);
    int64_t t = clock_nanos();
    uint64_t n = 0;
    while (tr_reader_next(r, &e))
        n++;
    double s = (double)(clock_nanos() - t) / 1e9;
    printf("bytes an event       %6.2f\n", (double)tr_reader_info(r)->file_size / (double)n);
    printf("read, M events/s     %6.1f\n", (double)n / s / 1e6);
    tr_reader_close(r);
}

int main(int argc, char **argv)
{
    char tmp[64];
    if (argc == 3 && argv[1][0] == '-') {
        (argv[1][2] == 'o' ? off_turns : empty_turns)((unsigned)atoi(argv[2]));
        return 0;
    }
    snprintf(tmp, sizeof(tmp), "/tmp/goshawk-bench-%d.gtrace", (int)getpid());
    path = argc > 1 ? argv[1] : tmp;
    stream = tr_stream_open(0, (uint32_t)getpid());
    printf("off, ns              %6.2f\n", best(off, EVENTS, 0));
    printf("bare counter, ns     %6.2f\n", best(bare, EVENTS, 0));
    printf("event, ns            %6.2f\n", best(events, EVENTS, 1));
    reading();
    printf("block and stack, ns  %6.2f\n", best(blocks, BLOCKS, 1));
    if (argc < 2)
        unlink(path);
    return sink == 42;
}
