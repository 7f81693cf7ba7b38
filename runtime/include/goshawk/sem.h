/* goshawk/sem.h - weighted semaphores, first come first served. */
#ifndef GOSHAWK_SEM_H
#define GOSHAWK_SEM_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* A semaphore.  Its fields are the library's; no copy while somebody waits. */
typedef struct go_sem {
    int64_t free_;
    uint32_t lock_;
    uint32_t pad_;
    void *head_, *tail_;
} go_sem;

/* A semaphore with n units; zero bytes are one with none. */
#define GO_SEM_INIT(n)  \
    {                   \
        (n), 0, 0, 0, 0 \
    }

/* Takes n units; waits until they are free and everybody who came before has got his. */
GO_API_ void go_sem_acquire(go_sem *s, int64_t n);
/* Takes n units if that needs no waiting; true when it did. */
GO_API_ bool go_sem_tryacquire(go_sem *s, int64_t n);
/* Gives n units back (or adds them). */
GO_API_ void go_sem_release(go_sem *s, int64_t n);

GO_END_DECLS_

#endif
