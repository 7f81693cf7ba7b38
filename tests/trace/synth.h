/* synth.h - a host for the recorder that is no runtime: plays goroutines on threads.
 *
 * Some threads (M) share some processors (P) and move pretended goroutines through the states
 * of a real program: a producer, workers that take jobs from a channel and lock a mutex, a
 * collector, sleepers and short-lived helpers.  Every transition is reported through tr.h as
 * the runtime would.  With the same options the same happens in the same order. */
#ifndef SYNTH_H
#define SYNTH_H

#include <stdint.h>
#include "tr.h"

struct synth {
    unsigned threads; /* default 3; at most 64 */
    unsigned procs;   /* default 2; at most 31 */
    unsigned workers; /* default 4 */
    uint64_t steps;   /* runs of a goroutine before it ends; default 2000 */
    uint64_t seed;
    unsigned work_ns; /* longest time a goroutine runs at a stretch; default 2000 */
};

/* What goroutines there are, for the recorder. */
extern const struct tr_host synth_host;

/* Plays.  The caller has called tr_start() and calls tr_stop(). */
void synth_play(const struct synth *options);

/* Plays for ever, until the process is killed, with a thread for each machine. */
_Noreturn void synth_play_for_ever(const struct synth *options);

#endif
