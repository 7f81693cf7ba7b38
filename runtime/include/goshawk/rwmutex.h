/* goshawk/rwmutex.h - many readers or one writer.  Zero bytes are an unlocked lock.
 * A writer that waits keeps new readers out, so a reader must not lock again. */
#ifndef GOSHAWK_RWMUTEX_H
#define GOSHAWK_RWMUTEX_H

#include <goshawk/base.h>
#include <goshawk/mutex.h>

GO_BEGIN_DECLS_

/* A lock for many readers or one writer.  Its fields are the library's; no copy while it is
 * locked. */
typedef struct go_rwmutex {
    uint64_t state_;
    go_mutex writers_; /* the writers' queue */
    uint32_t pad2_;
} go_rwmutex;

/* Locks m for reading; waits while a writer holds it or waits for it. */
GO_API_ void go_rwmutex_rlock(go_rwmutex *m);
/* Locks m for reading if that needs no waiting; true when it did. */
GO_API_ bool go_rwmutex_tryrlock(go_rwmutex *m);
/* Undoes one rlock, of whichever goroutine.  Fatal error when no reader holds m. */
GO_API_ void go_rwmutex_runlock(go_rwmutex *m);
/* Locks m for writing; waits until the readers and writers before it have left. */
GO_API_ void go_rwmutex_lock(go_rwmutex *m);
/* Locks m for writing if nobody holds it; true when it did. */
GO_API_ bool go_rwmutex_trylock(go_rwmutex *m);
/* Lets in all readers that wait, or else the next writer; any goroutine may.  Fatal error when m is
 * not locked for writing. */
GO_API_ void go_rwmutex_unlock(go_rwmutex *m);

GO_END_DECLS_

#endif
