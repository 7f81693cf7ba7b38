/* deadlock.h - nothing can run any more. */
#ifndef RT_DEADLOCK_H
#define RT_DEADLOCK_H

#include <stdbool.h>

/* Called when every M is about to sleep without a timer to wait for.  Ends the program when no
 * thread is left that could make a goroutine runnable; else returns. */
void deadlock_check(void);

/* The calling thread waits in go_run() from now on. */
void deadlock_note_runner(void);

/* Is there a thread that is not the runtime's own, and that can do something by itself? */
bool deadlock_others_exist(void);

/* All goroutines wait, and nothing is left that could wake one. */
bool deadlock_is_still(void);

#endif
