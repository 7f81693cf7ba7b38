/* trace_work.c - programs that do some work between the events that a trace has of them:
 * trace_work PROGRAM TIMES.  tools/dev bench trace compares their processor time with and without
 * a recording. */
#include <goshawk.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORKERS = 8,
    BLOCK = 16 << 10,
    SIDE = 128,
    LEAF = 2048,
    SORTED = 1 << 17,
    BLOCKS = 64,
    IN_FLIGHT = 4
};

/* ---- matrix: rows of a product, by a pool of workers ---- */

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static void multiply_rows(go_chan(int) rows, go_waitgroup *wg)
{
    go_chan_range(int, i, rows) {
        for (int j = 0; j < SIDE; j++) {
            double sum = 0;
            for (int k = 0; k < SIDE; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
    go_waitgroup_done(wg);
}

static void matrix(void)
{
    go_chan(int) rows = go_chan_make(int, 0);
    go_waitgroup wg = {0};
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            a[i][j] = b[j][i] = i + j;
    go_waitgroup_add(&wg, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        go(multiply_rows, rows, &wg);
    for (int i = 0; i < SIDE; i++)
        go_chan_send(rows, i);
    go_chan_close(rows);
    go_waitgroup_wait(&wg);
    if (c[1][2] != c[2][1])
        go_panic("the product of a matrix and its transpose is symmetric");
    go_chan_free(rows);
}

/* ---- sort: halves sorted by goroutines of their own, then merged ---- */

static uint32_t numbers[SORTED], scratch[SORTED];

static int by_value(const void *x, const void *y)
{
    uint32_t m = *(const uint32_t *)x, n = *(const uint32_t *)y;
    return (m > n) - (m < n);
}

static void sort_part(size_t from, size_t n, go_waitgroup *done)
{
    if (n <= LEAF) {
        qsort(numbers + from, n, sizeof(*numbers), by_value);
    } else {
        go_waitgroup halves = {0};
        size_t mid = from + n / 2, i = from, j = mid;
        go_waitgroup_add(&halves, 2);
        go(sort_part, from, n / 2, &halves);
        go(sort_part, mid, n - n / 2, &halves);
        go_waitgroup_wait(&halves);
        for (size_t k = from; k < from + n; k++)
            scratch[k] = j == from + n || (i < mid && numbers[i] <= numbers[j]) ? numbers[i++]
                                                                                : numbers[j++];
        memcpy(numbers + from, scratch + from, n * sizeof(*numbers));
    }
    go_waitgroup_done(done);
}

static void sort(void)
{
    go_waitgroup wg = {0};
    uint32_t x = 1;
    for (size_t i = 0; i < SORTED; i++)
        numbers[i] = x = x * 1664525 + 1013904223;
    go_waitgroup_add(&wg, 1);
    sort_part(0, SORTED, &wg);
}

/* ---- pipeline: blocks made, summed and counted by three goroutines in a row ---- */

struct block {
    uint8_t bytes[BLOCK];
    uint32_t sum;
};

static void make_blocks(go_chan(struct block *) empty, go_chan(struct block *) full)
{
    uint32_t x = 1;
    for (int n = 0; n < BLOCKS; n++) {
        struct block *k = go_chan_recv(empty);
        for (size_t i = 0; i < BLOCK; i++)
            k->bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
        go_chan_send(full, k);
    }
    go_chan_close(full);
}

static void sum_blocks(go_chan(struct block *) full, go_chan(struct block *) summed)
{
    go_chan_range(struct block *, k, full) {
        uint32_t low = 1, high = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            low = (low + k->bytes[i]) % 65521;
            high = (high + low) % 65521;
        }
        k->sum = high << 16 | low;
        go_chan_send(summed, k);
    }
    go_chan_close(summed);
}

static void pipeline(void)
{
    static struct block blocks[IN_FLIGHT];
    go_chan(struct block *) empty = go_chan_make(struct block *, IN_FLIGHT);
    go_chan(struct block *) full = go_chan_make(struct block *, 0);
    go_chan(struct block *) summed = go_chan_make(struct block *, 0);
    size_t counts[256] = {0};
    for (int i = 0; i < IN_FLIGHT; i++)
        go_chan_send(empty, &blocks[i]);
    go(make_blocks, empty, full);
    go(sum_blocks, full, summed);
    go_chan_range(struct block *, k, summed) {
        for (size_t i = 0; i < BLOCK; i++)
            counts[k->bytes[i]]++;
        go_chan_send(empty, k);
    }
    if (counts[0] == 0)
        go_panic("no zeros");
    go_chan_free(empty);
    go_chan_free(full);
    go_chan_free(summed);
}

int go_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } programs[] = {{"matrix", matrix}, {"sort", sort}, {"pipeline", pipeline}};
    int times = argc > 2 ? atoi(argv[2]) : 1, found = 0;
    for (size_t i = 0; argc > 1 && i < sizeof(programs) / sizeof(programs[0]); i++)
        for (int n = 0; n < times && !strcmp(argv[1], programs[i].name); n++, found++)
            programs[i].run();
    if (!found)
        fprintf(stderr, "usage: trace_work matrix|sort|pipeline TIMES\n");
    return found ? 0 : 2;
}
