/* report.h - what the engine knows of a race, and who prints it.
 *
 * The engine (shadow, clocks, sync objects) finds that two accesses conflict and are unordered, and
 * hands both over as plain facts.  Everything that makes words out of them - symbols, locations,
 * suppressions, options, the log, the exit code - is behind the rc_report_* functions.
 *
 * A stack is a 64-bit id, cheap to keep anywhere: a node of the shared tree of calling contexts
 * plus the innermost pc.  Ids stay valid until the process ends and are equal exactly when the
 * stacks are. */
#ifndef RC_REPORT_H
#define RC_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rc.h"
#include "symbol.h"

typedef uint64_t rc_site; /* a whole stack; 0: unknown */

/* What is remembered of a flow of control, also after its end.  Valid while it has not ended, while
 * a word of memory or a heap block refers to it, and while a report is being made (collect.h). */
struct rc_life {
    enum rc_kind kind;
    bool finished;                /* it may become true at any time */
    bool was_alone;               /* finished: it has neither released nor acquired anything */
    uint64_t id;                  /* as given to rc_ctx_make(): goroutine or thread number */
    char name[32];                /* "" when it has none */
    rc_site created_at;           /* 0 for the first thread */
    const struct rc_life *parent; /* who created it, or NULL */
    uint32_t place;               /* so many flows had its parent created, with it */
    uint64_t arranged_by;         /* rc_begins_after(): another one before it, as rc_flow_name() */
    uint32_t arranged_place;      /* its place among that one's; 0: there is none */
    uintptr_t stack_lo, stack_size;
    uintptr_t runs;      /* the function that it begins with, or 0: not known */
    struct times *times; /* [times-made] when it was in which epoch; see times.h */
};

struct rc_held_lock {
    const void *lock;
    const char *kind; /* "mutex", "rwmutex", ... */
    bool for_write;
    bool met_writer; /* taken for reading after a writer that its taker knew nothing of: reread.h */
    rc_site taken_at;
};

enum { RC_LOCKS_SHOWN = 8 };

/* What is remembered of a flow beyond its life. */
struct rc_flow_id {
    enum rc_kind kind;
    uint64_t id;
    rc_site created_at;
    char name[32];
};

/* Locks taken in a circle: at each edge `taken` was taken while `held`, the next edge's `taken` of
 * the edge before, was held. */
enum { RC_CIRCLE_MAX = 8 };
struct rc_circle {
    unsigned n;
    struct rc_circle_edge {
        struct rc_flow_id by;
        struct rc_held_lock held, taken;
    } edge[RC_CIRCLE_MAX];
};

/* A lock was taken for reading twice, and a writer could have come in between. */
struct rc_reread {
    struct rc_flow_id reader, writer;
    struct rc_held_lock first, again, written;
};

/* A lock was used in a way that is not defined. */
struct rc_misuse {
    const char *what; /* "unlock of an unlocked mutex" */
    const void *lock;
    const char *kind; /* "mutex" */
    struct rc_flow_id by;
    rc_site where;
};

/* Who holds a lock. */
struct rc_holder {
    struct rc_flow_id by;
    struct rc_held_lock lock;
    bool ended; /* the flow */
};

struct rc_access_info {
    uintptr_t
        addr;      /* first byte that this access touched, inside the 8-byte word of the conflict */
    unsigned size; /* bytes that it touched in that word, 1..8 */
    bool write, atomic, free;
    const struct rc_life *by;
    rc_site stack;
    bool locks_known; /* false: not remembered any more */
    unsigned n_locks; /* may be greater than RC_LOCKS_SHOWN */
    struct rc_held_lock lock[RC_LOCKS_SHOWN];
    uint64_t after, until; /* of the earlier one: it was made between these times of the host's
                            * clock; 0: nothing is known of that side */
};

/* Something that orders: an operation of a flow on an object. */
enum rc_event_kind {
    RC_EVENT_NONE,
    RC_EVENT_RELEASE, /* what the flow had done became known to who acquires the object */
    RC_EVENT_STORE,   /* likewise, by an atomic store or read-modify-write */
    RC_EVENT_FENCE,   /* likewise, to who reads what it stores from now on; no object */
    RC_EVENT_START,   /* likewise, to a new flow; the object is rc_flow_name() of it */
    RC_EVENT_ACQUIRE, /* the flow learned what was released to the object */
    RC_EVENT_LOAD,    /* likewise, by an atomic operation */
    RC_EVENT_PEEK,    /* an atomic operation whose order acquires nothing read what was released */
};

struct rc_event {
    enum rc_event_kind kind;
    const void *obj;
    rc_site site; /* 0: unknown.  Its innermost pc may be unknown alone */
};

/* A flow as an object of events: its kind and number, which say what it was after its end too. */
static inline const void *rc_flow_name(enum rc_kind kind, uint64_t id)
{
    return (const void *)(uintptr_t)(id << 1 | (kind == RC_THREAD));
}

enum { RC_EVENTS_SHOWN = 4 };

/* Why two accesses are not ordered: what the earlier one's flow published since, and what the later
 * one's flow learned last. */
struct rc_order_info {
    bool known;       /* whether the earlier flow's events are still kept */
    bool published;   /* it has made its access known to whom it may concern */
    unsigned n_since; /* releases after the access that are kept, oldest first */
    bool all_since;   /* those are all */
    struct rc_event since[RC_EVENTS_SHOWN];
    struct rc_event learned; /* the last acquire of the later flow, or RC_EVENT_NONE */
    struct rc_event shared;  /* its last event with an object of since[shared_with], or NONE */
    unsigned shared_with;
    bool peeked; /* `shared` read what the earlier flow published, but acquired nothing */
};

/* ---- the reporter's side: called by the engine ---- */

/* Reads GORACE; called once, from rc_init(), before anything else here. */
void rc_report_init(void);

/* A race.  Called for one race at a time, with the thread's current context NULL, on the host's big
 * stack where the host has one.  The same pair of stacks (in either order) is never handed over
 * twice. */
void rc_report_race(const struct rc_access_info *now, const struct rc_access_info *before,
                    const struct rc_order_info *order);

/* Likewise, for a use after free (or a second free): `now` comes after `freed` by order, and the
 * block is in quarantine. */
void rc_report_use(const struct rc_access_info *now, const struct rc_access_info *freed);

/* The same for an inversion of locks, and for a lock's misuse. */
void rc_report_circle(const struct rc_circle *circle);
void rc_report_reread(const struct rc_reread *reread);
void rc_report_misuse(const struct rc_misuse *misuse);

/* And for a thread that has ended, and was neither joined nor detached; for flows that are blocked
 * at the end. */
void rc_report_thread_leak(const struct rc_flow_id *thread);
void rc_report_blocked(const struct rc_blocked *blocked);

/* What rc_errors() and rc_fini() return and do; see rc.h. */
unsigned rc_report_errors(void);
int rc_report_fini(int status);

/* This process is a child after fork(): what its parent reported is not its own. */
void rc_report_forked(void);

/* ---- the engine's side: for the reporter and the interceptors ---- */

/* The host's functions; a struct of NULLs before rc_init(). */
const struct rc_host *rc_the_host(void);

/* The present stack of c, whose innermost frame is pc (a return address).  c may be NULL: then the
 * stack is pc alone. */
rc_site rc_here(const struct rc_ctx *c, uintptr_t pc);

/* Stores the return addresses of a stack, innermost first; returns how many there are, which may be
 * more than max.  *ret_folded, when not NULL, tells that repeated recursion was left out. */
size_t rc_stack_of(rc_site site, uintptr_t *ret_pcs, size_t max, bool *ret_folded);

/* Is the innermost pc of the stack known, and not only its callers? */
bool rc_site_has_pc(rc_site site);

/* The object obj, or each one in [obj, obj + size), is called so in reports.  Early: there is one
 * thread. */
void rc_name_objects(const void *obj, size_t size, const char *name);

const struct rc_life *rc_life_of(const struct rc_ctx *c);
struct rc_flow_id rc_flow_of(const struct rc_ctx *c);

/* The stack of c, which has called rc_waits(), to the call of the host's in which it waits. */
rc_site rc_waits_at(const struct rc_ctx *c);

/* The flow on whose stack addr lies, the running one first, or NULL. */
const struct rc_life *rc_life_by_stack(uintptr_t addr);

/* The calling thread's context c has used a lock wrongly: reports it, unless reports of locks are
 * off. */
void rc_lock_misused(struct rc_ctx *c, const void *lock, const char *kind, const char *what,
                     uintptr_t pc);

/* At the end of the process, if GORACE asks for it: calls tell for each thread that is leaked.  Set
 * by who knows the threads; NULL: nobody does. */
extern void (*rc_find_thread_leaks)(void (*tell)(const struct rc_flow_id *thread));
void rc_thread_leaked(const struct rc_flow_id *thread);

/* The host has found flows that are blocked at the end. */
void rc_flows_blocked(const struct rc_blocked *blocked);

/* Stores at most max of the flows that hold lock, or the one that has ended with it; returns how
 * many. */
unsigned rc_holders_of(const void *lock, struct rc_holder *ret_holders, unsigned max);

/* c ends: what it still holds is remembered as that of a flow that has ended. */
void rc_locks_left(const struct rc_ctx *c);

/* c ends: what it did is before who gets a lock that it still holds (a robust mutex). */
void rc_locks_abandoned(struct rc_ctx *c);

/* The frame of an instrumented function of that flow, which is running or waiting, that addr lies
 * in.  False: none is known. */
bool rc_frame_of(const struct rc_life *of, uintptr_t addr, struct symbol_place *ret_frame);

/* Is there a flow that has not ended, besides the calling one and the first (goroutine 1, thread
 * 0)? */
bool rc_others_alive(void);

/* [p, p+n) is new memory (malloc, mmap): accesses and clocks of its earlier life are forgotten. */
void rc_mem_fresh(const void *p, size_t n);

/* c (may be NULL) gives [p, p+n) back: a write of the whole block that is shown as a free.  It
 * stays recorded until rc_mem_fresh(), so that later uses race with it. */
void rc_mem_freed(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc);

/* The calling thread is inside the engine: this is a signal handler that has interrupted it. */
bool rc_is_inside(void);

/* Signals that wait until the calling thread leaves the engine: bit sig - 1.  Set by the handler
 * that finds it inside and has blocked them; cleared when they are let in. */
extern __thread uint64_t rc_postponed __attribute__((tls_model("initial-exec")));

/* Around a signal handler of the program: its frames are kept apart from those of the code that it
 * interrupts.  A thread that runs no flow, and is not inside the engine, gets one for that time
 * whose accesses do not count.  rc_handler_end() may come late, when the handler was left by a
 * jump; of nested ones the inner first. */
struct rc_interrupted {
    struct rc_ctx *c; /* what the handler runs as, or NULL */
    bool made;        /* for it */
    void *top, *last, *frames;
    uint32_t held_at, held_node;
};
void rc_handler_begin(struct rc_interrupted *was);
void rc_handler_end(struct rc_interrupted *was);

#endif
