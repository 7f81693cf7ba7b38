/* windows.h - how busy the processors were, and when least.
 *
 * A trace is cut into bins; each adds up how long Ps ran goroutines in it, and how long goroutines
 * waited for one.  A window is WINDOW_BINS of them, and slides bin by bin.  Memory is that of the
 * bins, at most BINS_MAX. */
#ifndef WINDOWS_H
#define WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_BINS = 8, BINS_MAX = 1 << 18 };

struct windows {
    int64_t from, bin_ns;
    uint32_t n;
    struct window_bin {
        int64_t running, runnable;           /* ns of spans that begin or end here */
        int64_t running_from, runnable_from; /* spans that go on over all later bins: difference */
    } * bins;
};

struct window {
    int64_t begin;
    double busy;     /* share of the processors' time that goroutines ran */
    double runnable; /* goroutines that waited for one, on average */
};

/* Windows of length_ns over [from, to); the length grows where BINS_MAX asks for it.  Returns the
 * length that it became. */
int64_t windows_begin(struct windows *w, int64_t from, int64_t to, int64_t length_ns);

/* A goroutine ran, or was runnable, over [begin, end). */
void windows_add(struct windows *w, int64_t begin, int64_t end, bool runnable);

/* Stores the windows in which procs processors were used least, at most max of them that do not
 * overlap, the worst first; returns how many.  Ends the adding. */
uint32_t windows_worst(struct windows *w, uint64_t procs, struct window *ret, uint32_t max);
void windows_fini(struct windows *w);

#endif
