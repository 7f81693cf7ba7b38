/* gate.h - keeping all threads out of the engine, around fork().
 *
 * A thread that enters the engine looks whether it is to heed the gate: it does so when it comes
 * for the first time, and while the gate is shut.  The child of a fork() so finds no lock held and
 * no cell taken by a thread that it does not have. */
#ifndef RC_GATE_H
#define RC_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* Not 0: the thread is to call gate_heed() before it enters. */
extern __thread uint32_t gate_mine __attribute__((tls_model("initial-exec")));

void gate_init(void);

/* Waits while the gate is shut.  Requires: the thread is outside. */
void gate_heed(void);

/* The thread need not heed it now: it is in the middle of that, or it is too early. */
bool gate_passes(void);

/* The thread ends: it is not waited for any more. */
void gate_thread_fini(void);

/* Waits until all other threads are outside; none enters until gate_open(). */
void gate_shut(void);
void gate_open(void);

/* Between the two, in the child: there are no other threads. */
void gate_forked(void);

#endif
