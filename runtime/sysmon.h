/* sysmon.h - the thread that sees to it that no goroutine stops the others. */
#ifndef RT_SYSMON_H
#define RT_SYSMON_H

/* Starts the thread; once, after sched_init(). */
void sysmon_init(void);

/* Threads that it is made of: 0 or 1. */
unsigned sysmon_thread_count(void);

/* Under sched.lock: a P stops being idle. */
void sysmon_wake(void);

#endif
