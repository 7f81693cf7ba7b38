/* tr.h - the recorder's interface.
 *
 * The host (the runtime, or a test) opens one stream for each thread that runs goroutines and
 * reports state changes as they happen; goroutines, processors, threads and objects are integers
 * and addresses.  A stream has one writer, its thread; nothing is shared on the path of an event.
 *
 * Every call is made only while tr_on is set (hook.h looks at it), except where said otherwise.
 * s may be NULL (the thread has no stream): the event goes to one stream that all such threads
 * share under a lock; slow, but kept.
 *
 * Report a change before other threads can act on it: GO_READY before the goroutine stands on a
 * run queue, GO_BLOCK before it can be made ready, P_STOP before another M can take the P.  Then
 * the file is consistent at every instant, which is what a reader of a killed program's trace
 * sees.
 *
 * Not to be called from signal handlers.  After fork() the child records nothing. */
#ifndef TR_H
#define TR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern uint32_t tr_on; /* 0, or the number of the recording that runs; read relaxed by the hooks,
                        * written by the recorder only */

struct tr_stream;

enum tr_type {
    TR_EV_NONE,
#define TR_EVENT(name, number, text, context, args) TR_EV_##name = number,
#include "events.def"
#undef TR_EVENT
    TR_EV_MAX = 31
};

/* Why a goroutine blocks.  The numbers are part of the file format. */
enum tr_reason {
    TR_NONE,
    TR_CHAN_SEND,
    TR_CHAN_RECV,
    TR_CHAN_NIL, /* for ever, on a NULL channel */
    TR_SELECT,
    TR_SELECT_EMPTY, /* for ever, no cases */
    TR_MUTEX,
    TR_RWMUTEX_READ,
    TR_RWMUTEX_WRITE,
    TR_WAITGROUP,
    TR_COND,
    TR_SEM,
    TR_ONCE,
    TR_SLEEP,
    TR_NET,
    TR_SYSCALL,
    TR_REASONS
};

const char *tr_reason_name(enum tr_reason why); /* "chan receive", as Go's dumps have it */
const char *tr_reason_kind(enum tr_reason why); /* of the object: "chan", "mutex", ... or "" */

/* ---- life of a recording; may be called at any time ---- */

/* Begins a recording into path ("%p" becomes the process id, "%%" a percent sign).  Returns 0
 * or -errno: -EBUSY while another one runs.  GOSHAWK_TRACE_LIMIT=SIZE (K, M, G allowed) bounds
 * the file; at the limit, or when the disk is full, the recording ends, says so on stderr and
 * in the file, and the program goes on.  GOSHAWK_TRACE_STACKS=N keeps N frames of each stack (64),
 * 0 none.  In the middle of a run the host is asked for its goroutines; those that run are unknown
 * until their next event. */
int tr_start(const char *path);

/* Ends it: everything is in the file when this returns.  Does nothing when none runs. */
void tr_stop(void);

/* ---- the flight recorder: the last events, in memory ---- */

/* Keeps what happened lately, in some `bytes` (64 KiB a thread at least) and for duration_ns (0: as
 * long as there is room); bytes 0 ends it.  Called again it changes the limits.  While a recording
 * into a file runs, the flight recorder rests, and begins anew after it.  Returns 0 or -errno. */
int tr_flight(uint64_t bytes, int64_t duration_ns);
bool tr_flight_on(void);

/* Writes what there is of the last duration_ns (0: all) to path, as tr_start() names it: a trace
 * like any other, which says why it was taken.  Returns 0 or -errno: -ENODATA when the flight
 * recorder is off.  Uses no malloc, some 4 KiB of stack. */
int tr_snapshot(const char *path, int64_t duration_ns, const char *why);

/* Waits until a snapshot that another thread takes is written: exit() would cut it off. */
void tr_snapshot_wait(void);

/* The program ends: what was recorded up to now stays as it is.  Safe in signal handlers. */
void tr_flight_freeze(void);

/* The path that the two mean: "%p" becomes the process id, "%%" a percent sign; out is another
 * buffer.  Returns 0 or -errno. */
int tr_path_expand(const char *path, char *out, size_t cap);

/* Prints the last duration_ns to fd for people: lanes of threads, then the last events.  label
 * (may be NULL) names a function; it gets the address and returns a text or NULL. */
void tr_moments(int fd, int64_t duration_ns, const char *(*label)(uintptr_t fn));

/* What lives in the host, asked for at the start of a recording in the middle of a run and by
 * snapshots. */
enum tr_go_state { TR_STATE_RUNNABLE = 1, TR_STATE_RUNNING, TR_STATE_BLOCKED };
struct tr_alive {
    uint64_t g;
    enum tr_go_state state;
    enum tr_reason why;   /* blocked: on what */
    const void *obj, *fn; /* fn: what it runs */
    const char *name;     /* "" none */
    uint32_t m;           /* running: on this M, */
    bool has_p;           /* with a P */
};
typedef void tr_tell(void *arg, const struct tr_alive *g);
struct tr_host {
    void (*each)(tr_tell *tell, void *arg); /* tells all goroutines; nothing stands still */
    uint32_t (*procs)(void);                /* GOMAXPROCS */
};
void tr_host_is(const struct tr_host *host);

/* Opens the stream of the calling thread (m: number of the M, tid: kernel thread id).  May be
 * called while nothing is recorded.  Returns NULL when memory is short. */
struct tr_stream *tr_stream_open(uint32_t m, uint32_t tid);
void tr_stream_close(struct tr_stream *s);

/* ---- goroutines ---- g: goroutine id.  Events with (stack) record the caller's stack. */

void tr_go_create(struct tr_stream *s, uint64_t g, uint64_t by, const void *fn); /* stack */
/* top: some address at the fixed end of g's stack, the same for all goroutines relative to their
 * first frame (NULL: not known): stacks of different goroutines are found alike by it. */
void tr_go_start(struct tr_stream *s, uint64_t g, uint32_t p, const void *top);
void tr_go_end(struct tr_stream *s, uint64_t g);
void tr_go_yield(struct tr_stream *s, uint64_t g); /* runnable again at once */
void tr_go_block(struct tr_stream *s, uint64_t g, enum tr_reason why, const void *obj); /* stack */
/* by: who made it so, whose stack is recorded; 0: a timer or the scheduler.  why, obj: what g was
 * blocked on. */
void tr_go_ready(struct tr_stream *s, uint64_t g, uint64_t by, enum tr_reason why, const void *obj);
void tr_go_name(struct tr_stream *s, uint64_t g, const char *name);

/* A goroutine that lives when a recording begins in the middle of a run.  s of a running one is the
 * stream of its M, whose tr_p_start() comes first.  why and obj: of a blocked one.  fn: what it
 * runs. */
void tr_go_state(struct tr_stream *s, uint64_t g, enum tr_go_state state, enum tr_reason why,
                 const void *obj, const void *fn);

/* The caller is g, runs fn on P p (-1: without one) of the stream's M, and a recording has just
 * begun that cannot know it. */
void tr_go_here(struct tr_stream *s, uint64_t g, int32_t p, const void *fn);

/* ---- processors and threads ---- the M is the stream's */

void tr_p_start(struct tr_stream *s, uint32_t p); /* this M takes P p */
void tr_p_stop(struct tr_stream *s, uint32_t p);  /* this M gives it up */
void tr_p_steal(struct tr_stream *s, uint32_t from,
                uint32_t n); /* n goroutines taken from P from */
/* P p is taken from M m, whose goroutine goes on without one (it runs long, or sits in the kernel).
 * Ends with m's next tr_p_start(), or with the goroutine's next yield, block or end. */
void tr_p_retake(struct tr_stream *s, uint32_t p, uint32_t m);
void tr_m_park(struct tr_stream *s);            /* this M goes to sleep */
void tr_m_unpark(struct tr_stream *s);          /* and is back */
void tr_procs(struct tr_stream *s, uint32_t n); /* GOMAXPROCS is n now */

/* ---- marks ---- g: who makes it, 0 a plain thread */

/* Tasks, regions and logs of the program.  task 0: none.  Texts are cut at 1024 bytes; a recording
 * keeps some 98 000 different ones, further ones come out as "?". */
void tr_task_begin(struct tr_stream *s, uint64_t g, uint64_t task, uint64_t parent,
                   const char *name);
void tr_task_end(struct tr_stream *s, uint64_t g, uint64_t task);
void tr_region_begin(struct tr_stream *s, uint64_t g, uint64_t task, const char *name);
void tr_region_end(struct tr_stream *s, uint64_t g, uint64_t task, const char *name);
void tr_log(struct tr_stream *s, uint64_t g, uint64_t task, const char *category,
            const char *message);

/* One side of a data race. */
struct tr_side {
    uint64_t g;     /* 0: a plain thread */
    uintptr_t addr; /* the first byte that it touched */
    unsigned size;  /* bytes that it touched in the 8-byte word of the conflict, 1..8 */
    bool write, atomic, free;
    const uintptr_t *pcs; /* its stack: return addresses, innermost first */
    size_t n_pcs;
};

/* A data race was found at the access `now`, with the one `before`, which was made between after
 * and until (clock_ticks(); 0: nothing is known of that side). */
void tr_race(struct tr_stream *s, const struct tr_side *now, const struct tr_side *before,
             uint64_t after, uint64_t until);

#ifdef __cplusplus
}
#endif

#endif
