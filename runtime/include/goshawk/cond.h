/* goshawk/cond.h - condition variables.  Zero bytes are one that nobody waits for. */
#ifndef GOSHAWK_COND_H
#define GOSHAWK_COND_H

#include <goshawk/base.h>
#include <goshawk/mutex.h>

GO_BEGIN_DECLS_

/* A condition variable.  Its fields are the library's; it may be copied while nobody waits. */
typedef struct go_cond {
    uint32_t lock_;
    uint32_t pad_;
    void *head_, *tail_;
} go_cond;

/* Unlocks m, waits for a signal or broadcast, locks m again.  Wakes for no other reason, but what
 * was waited for may have changed again: wait in a loop. */
GO_API_ void go_cond_wait(go_cond *c, go_mutex *m);
/* Wakes the goroutine that has waited longest. */
GO_API_ void go_cond_signal(go_cond *c);
/* Wakes all. */
GO_API_ void go_cond_broadcast(go_cond *c);

GO_END_DECLS_

#endif
