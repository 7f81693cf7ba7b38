/* entry.h - a run of the scheduler from outside. */
#ifndef RT_ENTRY_H
#define RT_ENTRY_H

#include <stdbool.h>

/* Sets the runtime up, once; whoever comes first into it does that. */
void rt_init(void);

/* True while a go_run() waits for its main goroutine. */
bool rt_running(void);

/* Writes what must not be lost (stdio, the trace) and ends the process. */
_Noreturn void rt_die(int status);

#endif
