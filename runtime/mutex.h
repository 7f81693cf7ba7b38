/* mutex.h - go_mutex for the runtime's own files.
 *
 * The raw operations tell the detector nothing: they guard the runtime's data, not the
 * program's. */
#ifndef RT_MUTEX_H
#define RT_MUTEX_H

#include <stdint.h>
#include <goshawk/mutex.h>
#include "scheduler.h"

void mutex_lock_raw(go_mutex *m, enum tr_reason why);
bool mutex_trylock_raw(go_mutex *m);
/* Fatal error with Go's text when m is not locked.  why as in the lock. */
void mutex_unlock_raw(go_mutex *m, enum tr_reason why);

/* True when g, which is parked, sleeps at a mutex, be it one inside another lock. */
bool mutex_is_asleep_at_one(const struct g *g);

/* go_mutex_lock() and go_mutex_unlock() on behalf of a caller at pc. */
void mutex_lock(go_mutex *m, uintptr_t pc);
void mutex_unlock(go_mutex *m);

#endif
