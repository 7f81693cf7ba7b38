/* explore.h - an explorer of all interleavings, for the runtime's small concurrent parts.
 *
 * A model is a program of a few threads that calls the runtime's own source files, compiled against
 * the atomics of this folder: there every atomic operation on shared memory is a point at which any
 * other thread may go on.  The explorer runs the program from each such point in every possible
 * way, remembers the states it has seen, and says how many there are: it is exhaustive, loops
 * included.
 *
 * Memory.  A store waits in its thread's buffer until the explorer moves it to memory, at any later
 * moment.  In TSO they leave in order, as on x86-64; in PSO a relaxed store may also overtake
 * others, but none overtakes a release backwards: what precedes a release in the program has
 * left before it does.  Read-modify-writes and full fences wait for an empty buffer.  So a missing
 * full fence, or a release that is none, shows.  Not modelled: loads that are early (a missing
 * acquire), and what a plain load or store does between two atomic ones, which is the business of
 * the tests under ThreadSanitizer.
 *
 * A state is: the regions that the model names, the live part of every thread's stack, registers,
 * store buffers, what each waits for, and the clock. */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ex_memory { EX_SC, EX_TSO, EX_PSO };

struct ex_model {
    const char *name;
    const char *says; /* what holds, in a few words */
    enum ex_memory memory;
    int stores_max;      /* room in a store buffer; 0: as much as the explorer has */
    int preempt_max;     /* 0: unbounded; else one more than the preemptions in a run, and ... */
    int delay_max;       /* ... the stores of a run that wait in a buffer; others do not */
    bool barriers;       /* rt_fence_all() is used: it may come between a load and a store */
    bool deep;           /* only with --deep */
    bool sleeps;         /* may end with threads that wait; then end() judges */
    bool any_time;       /* the clock says whatever it likes, so time may be forgotten */
    void (*begin)(void); /* names regions, makes threads */
    void (*step)(void);  /* what holds in every state; or NULL */
    void (*end)(void);   /* what holds at the end; or NULL */
    void (*enter)(int thread); /* before thread goes on: its thread-local words; or NULL */
};

/* Runs the models as the arguments say; the whole of a main().  survivors, NULL-terminated, names
 * the mutants that no model finds, "function operation", each with the reason in a comment. */
int ex_main(int argc, char **argv, const struct ex_model *models, size_t n,
            const char *const *survivors);

/* ---- for begin() ---- */

/* p..p+n belongs to the state, and atomic operations on it are visible to the other threads. */
void ex_region(void *p, size_t n);

/* The same, but operations on it are not scheduling points: for hints and counts that decide
 * nothing in this model. */
void ex_quiet(void *p, size_t n);

/* A thread that runs fn(arg); returns its number. */
int ex_thread(void (*fn)(void *), void *arg);

/* ---- for the threads ---- */

int ex_self(void);

/* Any number in [0, n): the explorer goes on with each of them. */
uint32_t ex_choose(uint32_t n);

/* Waits until ready(arg), which looks at memory, as it is for all. */
void ex_wait(bool (*ready)(void *), void *arg);

/* p..p+n is gone: an atomic operation there from now on is a failure. */
void ex_gone(void *p, size_t n);

/* The property does not hold. */
_Noreturn void ex_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define EX_HOLD(x) ((x) ? (void)0 : ex_fail("%s, line %d, does not hold", #x, __LINE__))

/* Another thread may go on here. */
void ex_pause(void);

/* The clock: moves only when a wait with a limit is over. */
int64_t ex_now(void);

/* ---- for atomic.h ---- */

struct ex_site {
    const char *file, *function, *op;
    int line;
    bool mutated;
    struct ex_site *next;
    bool known;
};

uint64_t ex_load(const volatile void *p, size_t size, struct ex_site *site);
void ex_store(volatile void *p, size_t size, uint64_t v, bool release, struct ex_site *site);

enum ex_rmw { EX_XCHG, EX_ADD, EX_SUB, EX_OR, EX_AND };
uint64_t ex_rmw(volatile void *p, size_t size, enum ex_rmw what, uint64_t v, struct ex_site *site);
bool ex_cas(volatile void *p, size_t size, uint64_t from, uint64_t to, struct ex_site *site);
void ex_fence(struct ex_site *site);

/* A full fence on all threads, each at some moment of the call (membarrier(2)). */
void ex_fence_all(struct ex_site *site);

#endif
