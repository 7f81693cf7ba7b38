/* signals.h - signals, and the monitor thread that does what a signal handler must not. */
#ifndef RT_SIGNALS_H
#define RT_SIGNALS_H

#include <stddef.h>
#include <stdint.h>
#include "g.h"

/* Installs the handlers and starts the monitor; called once.  Leaves alone what the program (or a
 * sanitizer) has already set. */
void signals_init(void);

/* Gives the calling thread a stack for handlers. */
void signals_thread_init(void);

/* Takes that stack away again, at the end of the thread. */
void signals_thread_fini(void);

/* The monitor calls worker_start_asked(). */
void signals_start_workers(void);

/* Number of threads of this module (0 or 1). */
unsigned signals_thread_count(void);

/* Stack of g, which runs on some M: asks its thread.  Returns 0 when it does not answer in time. */
size_t signals_stack_of(const struct g *g, uintptr_t *pcs, size_t max);

/* The monitor calls deadlock_check() again from time to time. */
void signals_watch_deadlock(void);

/* Ticks of clock_ticks() as nanoseconds. */
int64_t signals_ticks_to_nanos(uint64_t ticks);

/* Stacks have become free: makes the monitor call stack_scavenge() until nothing is left. */
void signals_scavenge(void);

/* SIGUSR2 takes a snapshot of the flight recorder, or (false) does what it did before.  A handler
 * of the program stays. */
void signals_snapshots(bool wanted);

/* The program has crashed and is being reported on: nothing should move any more. */
bool signals_crashed(void);

#endif
