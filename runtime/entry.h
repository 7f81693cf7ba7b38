/* entry.h - a run of the scheduler from outside. */
#ifndef RT_ENTRY_H
#define RT_ENTRY_H

#include <stdint.h>

/* Sets the runtime up, once; whoever comes first into it does that. */
void rt_init(void);

/* Names the go_run() whose main goroutine has begun and has not returned yet; 0: there is none. */
uint32_t rt_run(void);

/* Writes what must not be lost (stdio, the trace) and ends the process. */
_Noreturn void rt_die(int status);

#endif
