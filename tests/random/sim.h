/* sim.h - what the maker of programs knows about the program so far: who waits for what, who holds
 * what, how full each channel is.  Shared by make.c (memory, flows) and make_sync.c (objects). */
#ifndef TESTS_RANDOM_SIM_H
#define TESTS_RANDOM_SIM_H

#include "program.h"
#include "rand.h"

enum flow_state { UNBORN, READY, WAITS, ENDED };

/* Operations that the next one on the same thing has to come after. */
struct chain {
    int n;
    uint16_t op[OPS];
};

struct queue {
    int n;
    uint16_t op[WAITERS]; /* that wait, the first one first */
};

struct thing {
    int holder, readers;  /* of a lock: the flow that has it, or -1; a bit for each reader */
    struct queue waiters; /* for a lock, a semaphore, a descriptor ...; of a channel: receivers */
    struct queue senders;
    int count; /* queued elements, units, bytes; what a WaitGroup waits for */
    int used;  /* operations of a kind of which there is a largest number */
    bool closed, signalled;
    bool locked_since; /* COND's mutex: it was locked after the wait for the condition began */
};

struct sim {
    struct program *p;
    struct rt_rand rand;
    enum flow_state state[FLOWS];
    int held[FLOWS]; /* locks */
    bool joined[FLOWS];
    int born_by[FLOWS]; /* operations */
    bool ended[OPS];    /* operations whose end is listed */
    struct thing thing[OBJECTS];
    struct chain chain[OBJECTS], atomics[2], block[2], schedule;
    bool freed[2];
    uint16_t heads[ATOMIC_BYTES][5]; /* see make.c */
    bool fenced[FLOWS];
    bool mixed; /* atomics of different sizes overlap */
    int area;   /* bytes of plain memory in use */
    int writes; /* of 100 accesses */
};

static inline int below(struct sim *s, int n)
{
    return (int)rand_below(&s->rand, (uint32_t)n);
}

static inline bool chance(struct sim *s, int percent)
{
    return below(s, 100) < percent;
}

/* Lists an operation of flow f at its begin.  It waits until sim_end(). */
struct op *sim_begin(struct sim *s, enum op_kind kind, int f, int obj);

/* The operation must come after all of the chain, and the next one of the chain after it. */
void sim_chain(struct sim *s, struct op *op, struct chain *c);

/* It has ended: its flow goes on. */
void sim_end(struct sim *s, struct op *op);

/* Gives op n bytes of plain memory, perhaps. */
void sim_memory(struct sim *s, struct op *op, int n);

/* Flow f may do something that lasts until somebody else does something. */
static inline bool may_wait(const struct sim *s, int f)
{
    return f != 0 && s->held[f] == 0;
}

/* The same where that stops the thread. */
static inline bool may_stop(const struct sim *s, int f)
{
    return may_wait(s, f) && s->p->flow[f] == FLOW_THREAD;
}

/* One operation of flow f on object o, if there is one that fits. */
void sim_use(struct sim *s, int f, int o);

/* Flow f drops a lock that it holds; false: it holds none. */
bool sim_drop(struct sim *s, int f);

/* Flow 0 does something that brings an end of op nearer, or nothing. */
void sim_help(struct sim *s, const struct op *op);

/* Puts an object of a class at the end of the program's. */
void sim_add_object(struct sim *s, enum object_class class);

#endif
