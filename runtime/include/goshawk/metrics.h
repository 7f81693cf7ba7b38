/* goshawk/metrics.h - what the scheduler does, in numbers.
 *
 *     struct go_metrics m = {.size = sizeof m};
 *     if (go_metrics_read(&m) == 0)
 *         printf("%lu goroutines wait for a channel\n", m.g_waiting_for[GO_WAIT_CHAN_RECV]);
 *
 * Cost.  The counters are plain words of each processor (P), written by its own thread only: one
 * store for each event, always on.  Latencies are sampled: one wake-up in 64 of each P is timed.
 * Reading adds the Ps' words up and looks at every goroutine struct there is, some 5 ns each.
 *
 * Everything moves while it is being read: each number is right at some moment of the call, but
 * not all at the same moment.  Counters begin at 0 with the process and never go down; wake-ups
 * and so on by threads that are no goroutines are counted too.
 *
 * The same numbers as a line at regular times: GOSHAWK_DEBUG=schedtrace=1000 (milliseconds) writes
 * one to stderr in the form of Go's GODEBUG=schedtrace. */
#ifndef GOSHAWK_METRICS_H
#define GOSHAWK_METRICS_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

/* Version of struct go_metrics that this header describes; goes into its field version. */
#define GO_METRICS_VERSION 1

/* Why goroutines wait: index of g_waiting_for. */
enum go_wait_reason {
    GO_WAIT_OTHER,
    GO_WAIT_CHAN_SEND,
    GO_WAIT_CHAN_RECV,
    GO_WAIT_CHAN_NIL,     /* for ever: a receive from a NULL channel */
    GO_WAIT_SELECT,       /* one or more cases */
    GO_WAIT_SELECT_EMPTY, /* for ever: no cases */
    GO_WAIT_MUTEX,
    GO_WAIT_RWMUTEX_READ,
    GO_WAIT_RWMUTEX_WRITE,
    GO_WAIT_WAITGROUP,
    GO_WAIT_COND,
    GO_WAIT_SEM,
    GO_WAIT_ONCE,
    GO_WAIT_SLEEP,
    GO_WAIT_IO,          /* for a file descriptor */
    GO_WAIT_SYSCALL,     /* parked inside go_blocking_begin() and go_blocking_end() */
    GO_WAIT_REASONS = 32 /* room for more */
};

enum { GO_LATENCY_BUCKETS = 32 };

struct go_metrics {
    uint32_t size;    /* set by the caller: sizeof(struct go_metrics), or 0 for that of version 1 */
    uint32_t version; /* of the library, GO_METRICS_VERSION; newer ones only add at the end */

    /* Goroutines now, by state (from the goroutine structs); the runtime's own are not counted. */
    uint64_t g_running;  /* on a thread */
    uint64_t g_blocking; /* of these, between go_blocking_begin() and go_blocking_end() */
    uint64_t g_runnable; /* on a run queue */
    uint64_t g_waiting;  /* parked: the sum of the next */
    uint64_t g_waiting_for[GO_WAIT_REASONS]; /* by enum go_wait_reason */
    uint64_t g_free;                         /* ended; their structs are kept for reuse */

    /* Processors now (from the scheduler, under its lock). */
    uint32_t p_total;   /* GOMAXPROCS */
    uint32_t p_idle;    /* held by no thread */
    uint32_t p_running; /* p_total - p_idle */

    /* Threads that run goroutines, now (likewise). */
    uint32_t m_total;
    uint32_t m_idle;     /* asleep, without work or waiting for the goroutine that locked them */
    uint32_t m_spinning; /* looking for work */

    /* Counts since the process began (from the Ps). */
    uint64_t spawned; /* goroutines started */
    uint64_t ended;   /* goroutines ended */
    uint64_t parks;   /* times that a goroutine stopped to wait */
    uint64_t readies; /* times that a waiting goroutine was made runnable */
    uint64_t steals;  /* times that a P took goroutines from another's queue */
    uint64_t stolen;  /* goroutines taken so */

    /* Memory of goroutine stacks now, bytes (from the arenas and the goroutine structs). */
    uint64_t stack_reserved; /* address space, with guards and free stacks */
    uint64_t stack_in_use;   /* of it, stacks of goroutines that have not ended; what they have not
                              * touched costs no memory */

    uint64_t timers; /* armed timers now, sleeping goroutines among them (from the Ps' heaps) */

    /* Time from being made runnable to running, of sampled wake-ups since the process began.
     * latency[0] counts those below 128 ns, latency[i] those of [2^(6+i), 2^(7+i)) ns, and the last
     * bucket all that took longer. */
    uint64_t latency_samples; /* sum of latency[] */
    uint64_t latency[GO_LATENCY_BUCKETS];
};

/* Fills *m as far as m->size says; m->size becomes the number of bytes filled.  Returns 0, or
 * -EINVAL when m->size is smaller than the first version's.  Callable from any thread; before the
 * first goroutine everything but the sizes is 0 or that of an idle scheduler. */
GO_API_ int go_metrics_read(struct go_metrics *m);

/* Writes the numbers to fd, one "name value unit" a line; reasons, and buckets of the histogram,
 * that are 0 are left out. */
GO_API_ void go_metrics_print(int fd);

/* The latency, in ns, below which a share q (0 to 1) of m's samples lies: the upper end of its
 * bucket.  0 without samples. */
GO_API_ uint64_t go_metrics_latency(const struct go_metrics *m, double q);

GO_END_DECLS_

#endif
