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

typedef uint64_t rc_site; /* a whole stack; 0: unknown */

/* What is remembered of a flow of control, also after its end.  Valid while it has not ended, while
 * a word of memory or a heap block refers to it, and while a report is being made (collect.h). */
struct rc_life {
    enum rc_kind kind;
    bool finished;                /* it may become true at any time */
    uint64_t id;                  /* as given to rc_ctx_make(): goroutine or thread number */
    char name[32];                /* "" when it has none */
    rc_site created_at;           /* 0 for the first thread */
    const struct rc_life *parent; /* who created it, or NULL */
    uintptr_t stack_lo, stack_size;
};

struct rc_held_lock {
    const void *lock;
    const char *kind; /* "mutex", "rwmutex", ... */
    bool for_write;
    rc_site taken_at;
};

enum { RC_LOCKS_SHOWN = 8 };

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
};

/* ---- the reporter's side: called by the engine ---- */

/* Reads GORACE; called once, from rc_init(), before anything else here. */
void rc_report_init(void);

/* A race.  Called for one race at a time, with the thread's current context NULL, on the host's big
 * stack where the host has one.  The same pair of stacks (in either order) is never handed over
 * twice. */
void rc_report_race(const struct rc_access_info *now, const struct rc_access_info *before);

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

const struct rc_life *rc_life_of(const struct rc_ctx *c);

/* The flow on whose stack addr lies, the running one first, or NULL. */
const struct rc_life *rc_life_by_stack(uintptr_t addr);

/* Is there a flow that has not ended, besides the calling one and the first (goroutine 1, thread
 * 0)? */
bool rc_others_alive(void);

/* [p, p+n) is new memory (malloc, mmap): accesses and clocks of its earlier life are forgotten. */
void rc_mem_fresh(const void *p, size_t n);

/* c (may be NULL) gives [p, p+n) back: a write of the whole block that is shown as a free.  It
 * stays recorded until rc_mem_fresh(), so that later uses race with it. */
void rc_mem_freed(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc);

/* The calling thread is about to end: gives back what the engine keeps per thread. */
void rc_thread_fini(void);

#endif
