/* deadlock.h - nothing can run any more, or some goroutines cannot. */
#ifndef RT_DEADLOCK_H
#define RT_DEADLOCK_H

/* Called when every M is about to sleep without a timer to wait for.  Ends the program when no
 * thread is left that could make a goroutine runnable; else returns. */
void deadlock_check(void);

/* The calling thread waits in go_run() from now on. */
void deadlock_note_runner(void);

/* From now on the process's exit() reports goroutines that are still blocked. */
void deadlock_watch_exit(void);

#endif
