/* deadlock.h - nothing can run any more. */
#ifndef RT_DEADLOCK_H
#define RT_DEADLOCK_H

/* Called when every M is about to sleep without a timer to wait for.  Ends the program when no
 * thread is left that could make a goroutine runnable; else returns. */
void deadlock_check(void);

#endif
