/* windows.c - see windows.h.
 *
 * A span adds its parts to the first and last bin that it touches, and 1 to the difference of those
 * between; windows_worst() sums the differences up.  So a long span costs no more than a short
 * one. */
#include "windows.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

int64_t windows_begin(struct windows *w, int64_t from, int64_t to, int64_t length_ns)
{
    int64_t total = to > from ? to - from : 1;
    int64_t bin = (length_ns + WINDOW_BINS - 1) / WINDOW_BINS, least = total / BINS_MAX + 1;
    bin = bin < least ? least : bin;
    w->from = from;
    w->bin_ns = bin;
    w->n = (uint32_t)((total + bin - 1) / bin);
    w->bins = cmd_alloc((w->n + 1ul) * sizeof(*w->bins));
    memset(w->bins, 0, (w->n + 1ul) * sizeof(*w->bins));
    return bin * WINDOW_BINS;
}

static void add(struct window_bin *b, int64_t ns, int64_t whole, bool runnable)
{
    if (runnable) {
        b->runnable += ns;
        b->runnable_from += whole;
    } else {
        b->running += ns;
        b->running_from += whole;
    }
}

void windows_add(struct windows *w, int64_t begin, int64_t end, bool runnable)
{
    int64_t limit = w->bin_ns * w->n, a = begin - w->from, b = end - w->from;
    a = a < 0 ? 0 : a;
    b = b > limit ? limit : b;
    if (a >= b)
        return;
    uint32_t first = (uint32_t)(a / w->bin_ns), last = (uint32_t)(b / w->bin_ns);
    if (first == last) {
        add(&w->bins[first], b - a, 0, runnable);
        return;
    }
    add(&w->bins[first], (first + 1ll) * w->bin_ns - a, 0, runnable);
    if (first + 1 < last)
        add(&w->bins[first + 1], 0, 1, runnable);
    add(&w->bins[last], b - last * w->bin_ns, first + 1 < last ? -1 : 0, runnable);
}

/* Differences become sums. */
static void sum_up(struct windows *w)
{
    int64_t running = 0, runnable = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        struct window_bin *b = &w->bins[i];
        running += b->running_from;
        runnable += b->runnable_from;
        b->running += running * w->bin_ns;
        b->runnable += runnable * w->bin_ns;
        b->running_from = b->runnable_from = 0;
    }
}

/* Puts x among the n least of ret (room for max) unless it overlaps a lesser one. */
static uint32_t enter(struct window *ret, uint32_t n, uint32_t max, struct window x, int64_t length)
{
    uint32_t at = n;
    for (uint32_t i = 0; i < n; i++) {
        int64_t apart = ret[i].begin - x.begin;
        if (apart > -length && apart < length) {
            if (ret[i].busy <= x.busy)
                return n;
            memmove(&ret[i], &ret[i + 1], (n - i - 1) * sizeof(*ret));
            n--;
            i--;
        }
    }
    for (at = n; at > 0 && ret[at - 1].busy > x.busy; at--)
        ;
    if (at == max)
        return n;
    memmove(&ret[at + 1], &ret[at], ((n < max ? n : max - 1) - at) * sizeof(*ret));
    ret[at] = x;
    return n < max ? n + 1 : n;
}

uint32_t windows_worst(struct windows *w, uint64_t procs, struct window *ret, uint32_t max)
{
    uint32_t n = 0;
    int64_t running = 0, runnable = 0, length = w->bin_ns * WINDOW_BINS;
    sum_up(w);
    for (uint32_t i = 0; i < w->n; i++) {
        running += w->bins[i].running;
        runnable += w->bins[i].runnable;
        if (i + 1 < WINDOW_BINS)
            continue;
        uint32_t first = i + 1 - WINDOW_BINS;
        struct window x = {w->from + first * w->bin_ns,
                           procs ? (double)running / (double)length / (double)procs : 0,
                           (double)runnable / (double)length};
        n = enter(ret, n, max, x, length);
        running -= w->bins[first].running;
        runnable -= w->bins[first].runnable;
    }
    return n;
}

void windows_fini(struct windows *w)
{
    free(w->bins);
    *w = (struct windows){0};
}
