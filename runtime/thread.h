/* thread.h - who runs on this thread, and stand-ins for threads that are not the scheduler's. */
#ifndef RT_THREAD_H
#define RT_THREAD_H

#include "g.h"

struct tr_stream;

extern __thread struct g *tls_g __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* This thread runs g from now on.  Inline, because the scheduler's last step does not come back on
 * another thread; everybody else asks rt_self(). */
static inline void rt_set_self(struct g *g)
{
    tls_g = g;
}

/* The goroutine or stand-in of this thread, or NULL: does not make one.  Safe in signal
 * handlers. */
struct g *rt_self_or_null(void);

/* The stream of events that m reports, or by's own when by is a stand-in (its m is NULL); opened on
 * first use.  NULL when neither is given, or nothing is being recorded. */
struct tr_stream *thread_stream(const struct m *m, struct g *by);

/* Lets other threads run. */
void thread_yield(void);

#endif
