/* goshawk/mutex.h - mutual exclusion.  Zero bytes are an unlocked mutex.
 *
 * Whoever comes while the mutex is free gets it, also past those who wait; once somebody has waited
 * for a millisecond the mutex is handed to the waiters in their order until the queue is short
 * again. A mutex may be freed or reused as soon as its last user has unlocked it and the caller has
 * locked and unlocked it once more. */
#ifndef GOSHAWK_MUTEX_H
#define GOSHAWK_MUTEX_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* A mutex.  Its field is the library's; no copy while it is locked. */
typedef struct go_mutex {
    uint32_t state_;
} go_mutex;

/* Locks m; parks the goroutine while another holds it. */
GO_API_ void go_mutex_lock(go_mutex *m);
/* Locks m if nobody holds it; true when it did. */
GO_API_ bool go_mutex_trylock(go_mutex *m);
/* Unlocks m; any goroutine may.  Fatal error when m is not locked. */
GO_API_ void go_mutex_unlock(go_mutex *m);

GO_END_DECLS_

#endif
