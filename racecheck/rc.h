/* rc.h - the detector's host interface.
 *
 * The host (the runtime, or a test that plays it) tells the detector which flows of control exist,
 * which of them a thread runs, and what orders them.  The detector knows flows only as opaque
 * contexts; it never sees a goroutine.  Compiled user code reaches the detector through the
 * __tsan_* functions, which work on the context that the thread last switched to.
 *
 * Rules
 * - A context runs on one thread at a time; whoever calls a function for a context that does not
 *   run (a parked goroutine) must hold the lock that keeps it from running.
 * - A thread whose current context is NULL records nothing: the scheduler's own stacks.
 * - Every function may be called before rc_init() has ended and does nothing then. */
#ifndef RC_H
#define RC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rc_ctx;
struct rc_race;
struct rc_report;
struct rc_blocked;

enum rc_kind { RC_GOROUTINE, RC_THREAD };

/* What the detector asks of its host.  All of it may be NULL. */
/* Something of the host's that lies at an address. */
struct rc_thing {
    const char *kind;  /* "chan" */
    char state[80];    /* " (cap 4, len 0)", or "" */
    uintptr_t made_pc; /* return address of the call that made it, or 0 */
};

struct rc_host {
    /* Runs fn(arg) on a stack of at least 1 MiB, while the current context is NULL. */
    void (*on_big_stack)(void (*fn)(void *), void *arg);
    /* A race was reported, after on_report of the same race; for the trace. */
    void (*on_race)(const struct rc_race *race);
    /* A report was made: as rc_on_report()'s callback, for the trace. */
    void (*on_report)(const struct rc_report *r);
    /* Text for the line "Reproduce: ", or NULL. */
    const char *(*reproduce)(void);
    /* At exit: calls tell for each group of flows that are blocked in the same place, and that
     * nothing will wake as far as the host knows; with the current context NULL.  deadlocked_only:
     * only of those who wait for locks of one another, or of who has ended. */
    void (*find_blocked)(bool deadlocked_only, void (*tell)(const struct rc_blocked *b));
    /* False: nothing of the host's begins at addr, which may be anything. */
    bool (*find_thing)(uintptr_t addr, struct rc_thing *ret_thing);
    /* True: all flows wait, and none will ever be woken. */
    bool (*is_still)(void);
    /* What the main flow releases when the program's function that it ran has returned. */
    const void *main_returned;
};

/* A race, as far as it is known.  Stacks are valid during the call. */
struct rc_race {
    struct rc_race_side {
        enum rc_kind kind;
        uint64_t id;    /* of the flow, as it was given to rc_ctx_make() */
        uintptr_t addr; /* the first byte that it touched, in the 8-byte word of the conflict */
        unsigned size;  /* bytes that it touched in that word, 1..8 */
        bool write, atomic, free;
        const uintptr_t *pcs; /* return addresses, innermost first */
        size_t n_pcs;
    } now, before;
    uint64_t after, until; /* when `before` was: between these times of rc_note_time(); 0: nothing
                            * is known of that side */
};

/* Flows that are blocked.  All texts are valid during the call. */
struct rc_blocked {
    const struct rc_ctx *ctx; /* of the first one, which has called rc_waits() */
    const char *why;          /* "chan receive" */
    bool for_ever;            /* nothing was left that could wake them; else something runs */
    size_t n;                 /* how many there are */
    const char *others;       /* the numbers of all but the first: "8-11, 20" */
    bool same;                /* all wait for the same object */
    size_t n_on;
    const struct rc_blocked_on {
        const void *obj;
        const char *want;  /* "room in ", or "" */
        const char *kind;  /* "mutex" */
        bool is_lock;      /* one of rc_lock_taken() */
        const char *held;  /* how, for when it is not known by whom: ", held for writing"; or "" */
        const char *state; /* ", count 2"; or "" */
        uintptr_t made_pc; /* return address of the call that made it, or 0 */
    } * on;                /* what the first one waits for */
};

/* Starts the detector and makes the calling thread's context.  Idempotent; __tsan_init calls
 * rc_init(NULL), the runtime calls it again with its host. */
void rc_init(const struct rc_host *host);

/* ---- contexts ---- */

/* Makes the context of a new flow of control, ordered after everything creator (may be NULL) has
 * done so far [go].  Remembers creator's present stack, whose innermost frame is pc, as the place
 * of creation.  [stack_lo, stack_lo + stack_size), if any, becomes its stack: fresh memory. */
struct rc_ctx *rc_ctx_make(struct rc_ctx *creator, enum rc_kind kind, uint64_t id, uintptr_t pc,
                           void *stack_lo, size_t stack_size);

/* From now on [lo, lo + size) is c's stack: fresh memory.  For a flow that gets its stack after it
 * was made. */
void rc_ctx_stack(struct rc_ctx *c, void *lo, size_t size);

/* The flow has ended; c is not used any more.  Orders nothing. */
void rc_ctx_end(struct rc_ctx *c);

/* c, which has not run yet, begins with fn.  For reports of what fn does when it was not compiled
 * for the detector, as the library's own functions are not. */
void rc_ctx_runs(struct rc_ctx *c, const void *fn);

/* Sets the name for reports; copied. */
void rc_ctx_name(struct rc_ctx *c, const char *name);

/* The context this thread runs, or NULL. */
struct rc_ctx *rc_current(void);

/* From now on this thread runs c (NULL: nothing is recorded).  Returns the one before. */
struct rc_ctx *rc_switch(struct rc_ctx *c);

/* The calling thread is about to end and runs no context: gives back what the engine keeps for
 * it. */
void rc_thread_fini(void);

/* The host's clock shows `now`, and c, which may be NULL, runs on this thread or does not run.  So
 * reports can tell when an access was made: between two such notes. */
void rc_note_time(struct rc_ctx *c, uint64_t now);

/* Likewise, and c, which was just made, has done nothing yet; it will do nothing more. */
void rc_note_begin(struct rc_ctx *c, uint64_t now);
void rc_note_end(struct rc_ctx *c, uint64_t now);

/* c, which runs on this very stack, is about to leave it and wait: others may acquire and release
 * for it until it runs again.  For reports. */
void rc_waits(struct rc_ctx *c);

/* While disabled (the calls nest) c's accesses and synchronisations are not recorded. */
void rc_disable(struct rc_ctx *c);
void rc_enable(struct rc_ctx *c);

/* The stack pointer will move up to sp without the func_exit calls of the frames below it (longjmp,
 * exceptions): drops these frames from the current context's stack. */
void rc_unwound(uintptr_t sp);

/* The user's innermost function has called the library, by a call that returns to pc (0: find it),
 * and the library is about to call fn (NULL: several) for it.  Until rc_called_back() of what this
 * returns the current context's stack has that call, too. */
size_t rc_calls_back(uintptr_t pc, const void *fn);
void rc_called_back(size_t depth);

/* ---- order ----   obj is any address; it names a clock that begins empty. */

void rc_acquire(struct rc_ctx *c, const void *obj);       /* c's clock joins obj's */
void rc_release(struct rc_ctx *c, const void *obj);       /* obj's clock becomes c's */
void rc_release_merge(struct rc_ctx *c, const void *obj); /* obj's clock joins c's */
void rc_pour(struct rc_ctx *c, const void *from,
             const void *to);                               /* c looks on: to's joins from's */
void rc_release_acquire(struct rc_ctx *c, const void *obj); /* both join each other */

/* rc_release(c, to), then rc_acquire(c, from). */
void rc_pass(struct rc_ctx *c, const void *to, const void *from);

/* The same for a call that returns to pc, in code that was compiled for the detector; 0: not known,
 * as in the others. */
void rc_acquire_at(struct rc_ctx *c, const void *obj, uintptr_t pc);
void rc_release_at(struct rc_ctx *c, const void *obj, uintptr_t pc);

/* a and b have met: each goes on after all that the other has done so far.  obj is a name for what
 * they met at; its clock is left alone. */
void rc_meet(struct rc_ctx *a, struct rc_ctx *b, const void *obj);

/* Order through the descriptor fd; c may be NULL.  Before a write to it; after a read from it, of
 * data or of their end; before its close. */
void rc_fd_sends(struct rc_ctx *c, int fd);
void rc_fd_received(struct rc_ctx *c, int fd);
void rc_fd_closes(struct rc_ctx *c, int fd);

/* Everything known about [p, p+n) ends: clocks of objects in it and recorded accesses. */
void rc_forget(const void *p, size_t n);

/* ---- objects of the host's that the program frees ---- */

/* c has made an object for the program, n bytes from malloc at p, by a call that returns to pc:
 * fresh memory, as what malloc gives to the program. */
void rc_block_made(struct rc_ctx *c, void *p, size_t n, uintptr_t pc);

/* c frees the object at p, and with it the one at inner (may be NULL) that is a part of it, by a
 * call that returns to pc (0: find it).  That is a write of the first byte of both: it races with
 * what is not ordered with it, and rc_uses() tells of what comes later.  False: it was freed
 * before, which is told; the host leaves it alone. */
bool rc_block_freed(struct rc_ctx *c, void *p, void *inner, uintptr_t pc);

/* Nobody refers to the object of n bytes at p any more, freed or not: clocks in it are forgotten.
 * Takes the place of free(). */
void rc_block_gone(void *p, size_t n);

/* ---- memory that the host touches on behalf of c's code; pc is the innermost frame ---- */

void rc_read(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc);
void rc_write(struct rc_ctx *c, const void *p, size_t n, uintptr_t pc);

/* c is about to use an object that orders, at obj.  Tells of it if that memory was freed, and
 * records nothing. */
void rc_uses(struct rc_ctx *c, const void *obj, uintptr_t pc);

/* A call by which a flow has others begin later; zero: nothing is known of it. */
struct rc_arranged {
    uint64_t stack;
    uint64_t flow;  /* whose it was ... */
    uint32_t place; /* ... and its place among those and the flows that it created */
};

/* c does that in a call that returns to pc. */
struct rc_arranged rc_arranges(struct rc_ctx *c, uintptr_t pc);

/* c, which has not run yet, was arranged for by that call, and begins after what was released at
 * obj. */
void rc_begins_after(struct rc_ctx *c, const void *obj, const struct rc_arranged *by);

/* ---- locks held, for reports; orders nothing by itself ---- */

/* How: a bool that says "for writing" is one, too. */
enum {
    RC_LOCK_WRITE = 1,
    RC_LOCK_TRIED = 2,   /* it would not have waited */
    RC_LOCK_IN_TURN = 4, /* readers that come wait behind a writer that waits */
    RC_LOCK_WANTED = 8,  /* after rc_lock_wanted() */
};

/* c is going to take the lock, and may have to wait for it: a deadlock is told before it is one. */
void rc_lock_wanted(struct rc_ctx *c, const void *lock, unsigned how, const char *kind,
                    uintptr_t pc);

/* With RC_LOCK_IN_TURN: before c acquires what was released at the lock. */
void rc_lock_taken(struct rc_ctx *c, const void *lock, unsigned how, const char *kind,
                   uintptr_t pc);
void rc_lock_dropped(struct rc_ctx *c, const void *lock);

/* c, which may be NULL, runs here and holds the lock, as far as is known. */
bool rc_holds_lock(const struct rc_ctx *c, const void *lock);

/* Stores at most max locks that c holds; returns how many.  c may go on, or end, meanwhile. */
size_t rc_locks_held(const struct rc_ctx *c, const void **ret_locks, size_t max);

/* Who holds a lock. */
struct rc_lock_holder {
    uint64_t goroutine; /* 0: a thread */
    uintptr_t pc;       /* return address of the call that took it, or 0 */
    bool ended;         /* the goroutine, or thread */
};

/* Stores at most max of those who hold lock, or the one that has ended with it; returns how
 * many. */
size_t rc_lock_holders(const void *lock, struct rc_lock_holder *ret_holders, size_t max);

/* A number for the place where c waits, after rc_waits(), and for that of its creation. */
uint64_t rc_place(const struct rc_ctx *c);

/* A number that changes whenever c acquires or releases anything. */
uint32_t rc_moves(const struct rc_ctx *c);

/* ---- verdict ---- */

/* A report, as a program's callback sees it; all texts are valid during the call. */
struct rc_report {
    unsigned number;         /* 1 for the process's first of this kind */
    const char *kind;        /* "race", "lock-order-inversion", ... */
    const char *fingerprint; /* 16 hexadecimal digits */
    const char *text;        /* as it is logged, without colour */
};

/* From now on fn (NULL: nobody) is called for every report, on the thread that made it, while its
 * context is NULL.  fn must not wait for anything that a racing thread may hold. */
void rc_on_report(void (*fn)(const struct rc_report *r, void *arg), void *arg);

/* Number of distinct races reported so far. */
unsigned rc_errors(void);

/* Called once when the process is about to exit with status: prints "Found N data race(s)" where N
 * > 0 and returns the status to exit with. */
int rc_fini(int status);

#endif
