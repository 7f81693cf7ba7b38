/* leaks.h - goroutines that are still blocked when the program ends. */
#ifndef RT_LEAKS_H
#define RT_LEAKS_H

#include <stdbool.h>

struct rc_blocked;

/* Once, before goroutines run: all here is about this process, not about a child of fork(). */
void leaks_init(void);

/* From now on the process's exit() writes the goroutines that are still blocked to stderr. */
void leaks_watch_exit(void);

/* The program ends because of a panic or fatal error: leaks_find() finds none. */
void leaks_not_wanted(void);

/* At exit: calls tell for each group of goroutines that are blocked in the same place, with the
 * current context NULL and on a big stack.  deadlocked_only: only of those who wait for locks that
 * such as they hold, or that who has ended holds.  For the detector (rc.h). */
void leaks_find(bool deadlocked_only, void (*tell)(const struct rc_blocked *b));

#endif
