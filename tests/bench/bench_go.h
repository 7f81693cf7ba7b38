/* bench_go.h - what the halves of the benchmark program share; see bench_go_ops.c. */
#ifndef TESTS_BENCH_BENCH_GO_H
#define TESTS_BENCH_BENCH_GO_H

#include <goshawk.h>

extern go_waitgroup wg;

extern long bytes_each; /* printed behind the time when set */
extern double figure;   /* printed in place of a time for an operation when set */

void op_timer(long n);
void op_sleepers(long n);
void op_context(long n);
void op_parked(long n);
void op_timers(long n);
void op_idle(long n);
void op_latency(long n);

#endif
