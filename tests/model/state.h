/* state.h - what the explorer's files share: the state of the program that is explored, and the
 * search's numbers.
 *
 *   explore.c  memory, threads and their operations
 *   search.c   transitions, states, the search
 *   mutants.c  weakened operations, and the command */
#ifndef TESTS_MODEL_STATE_H
#define TESTS_MODEL_STATE_H

#include "explore.h"
#include "switch.h"

enum {
    THREADS_MAX = 6,
    REGIONS_MAX = 64,
    STACK_BYTES = 16384,
    STORES_MAX = 6,
    CHOICES_MAX = 64,
};

/* What a thread does next. */
enum op {
    OP_BEGIN,
    OP_LOAD,
    OP_STORE,
    OP_RMW,
    OP_ROOM,
    OP_LOCK,
    OP_CHOOSE,
    OP_WAIT,
    OP_ASLEEP,
    OP_BARRIER,
    OP_DONE
};

struct store {
    uintptr_t addr;
    uint64_t value, covered; /* covered: by the view of the thread that runs */
    uint32_t size, release;
};

struct thread {
    struct switch_ctx ctx;
    uint64_t op;    /* enum op: what it does next */
    uintptr_t addr; /* that it is about */
    struct ex_site *site;
    bool (*ready)(void *); /* OP_WAIT */
    void *arg;
    int64_t limit;            /* OP_ASLEEP: when it ends by itself; < 0: never */
    uint64_t woken;           /* OP_ASLEEP */
    uint64_t choices, choice; /* OP_CHOOSE */
    uint64_t drains;          /* OP_BARRIER: threads whose buffer has yet to be seen empty */
    uint64_t n_stores;
    struct store stores[STORES_MAX];
};

struct region {
    char *p;
    size_t n;
    bool quiet;
};

/* What belongs to a state besides regions and stacks. */
extern struct world {
    struct thread threads[THREADS_MAX];
    int64_t now;
    uint64_t last, preempted, delayed;
    uintptr_t gone, gone_end; /* memory that nobody may touch any more */
} ex_world;

extern struct region ex_regions[REGIONS_MAX];
extern int ex_n_regions, ex_n_threads;
extern char *ex_stacks; /* THREADS_MAX of them */
extern int ex_current;  /* the thread that runs; -1: the explorer */
extern const struct ex_model *ex_explored;
extern struct ex_site *ex_sites; /* operations that have been come by */
extern char ex_failure[256];     /* what does not hold; empty while all does */

/* ---- explore.c ---- */

uint64_t ex_raw_load(const volatile void *p, size_t size);
void ex_raw_store(volatile void *p, size_t size, uint64_t v);

/* Fails when the memory at p is gone. */
void ex_must_be_there(uintptr_t p);

/* Whether store i of t may reach memory before those in front of it; takes it out of the buffer. */
bool ex_may_leave(const struct thread *t, uint64_t i);
void ex_forget_store(struct thread *t, uint64_t i);

/* The room that a thread's buffer has in this model. */
uint64_t ex_stores_max(void);

char *ex_stack_top(int t);

/* Runs thread t up to its next operation. */
void ex_resume(int t);

_Noreturn void ex_report_failure(void);

void ex_note_site(struct ex_site *s);

/* ---- search.c ---- */

extern uint64_t ex_n_states, ex_n_transitions, ex_n_ends;
extern uint64_t ex_states_limit;
extern bool ex_limited, ex_shows_path;

/* Shows how the present state was come to. */
void ex_show_path(void);

/* In a process of its own: explores m; does not return if something does not hold. */
void ex_explore(const struct ex_model *m);

double ex_seconds(void);

#endif
