/* program.h - a random concurrent program as data.
 *
 * A program is a list of operations in an order in which they could happen one after the other.
 * Each belongs to a flow of control (goroutine, thread, function of a timer).  An operation that
 * has to wait for a later one is listed where it begins; it ends when that one lets it go.
 *
 * Who executes the program (run.c) keeps, by means that the detector does not see, the order of
 * operations on the same object, and nothing else ("loose") or the whole order of the list
 * ("strict").  So it is known in advance which unlock a lock follows, which send a receive gets and
 * which store a load reads, and what happens before what is a matter of the data alone: oracle.c.
 *
 * An operation has two moments, its begin and its end: what others learn from it is what was done
 * up to its begin, and what it learns is known from its end on. */
#ifndef TESTS_RANDOM_PROGRAM_H
#define TESTS_RANDOM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    OPS = 224,
    FLOWS = 10,
    OBJECTS = 6,
    DEPS = OPS * 64,
    WAITERS = FLOWS,
};

enum flow_kind { FLOW_GOROUTINE, FLOW_THREAD, FLOW_TIMER };

/* Memory that a program names by region and offset. */
enum { R_PLAIN, R_ATOMIC, R_BLOCK, R_OBJECT = R_BLOCK + 2, REGIONS = R_OBJECT + OBJECTS };
enum { PLAIN_BYTES = 256, ATOMIC_BYTES = 32, BLOCK_BYTES = 3000 };

enum object_class {
    MUTEX,   /* go, pthread, spin, C11 */
    RWLOCK,  /* go, pthread */
    CHAN,    /* cap */
    GROUP,   /* WaitGroup */
    ONCE,    /* go, pthread */
    COND,    /* go, pthread; the object after it is its mutex */
    SEM,     /* go, posix; cap: units at the beginning */
    BARRIER, /* pthread; cap: how many meet */
    PIPE,    /* pipe, socket pair, eventfd */
    CTX,     /* a context that is cancelled */
    AFTER,   /* a channel of go_after() */
    HANDS,   /* go_race_acquire() and its friends */
    CLASSES,
};

enum op_kind {
#define X(name) OP_##name,
#include "ops.def"
#undef X
};

struct op {
    uint8_t kind, flow;
    int8_t obj; /* or, of GO and JOIN, the other flow; -1: none */
    int8_t alt; /* another channel that the same select could receive from, or -1 */
    bool selects;
    uint8_t how;    /* which of several calls that mean the same */
    uint8_t mo;     /* an order of C11 */
    uint8_t region; /* memory that it touches; size 0: none */
    uint16_t off, size;
    uint16_t dep, n_deps; /* in deps[] */
};

struct object {
    uint8_t class, variant, cap;
    uint8_t size; /* of a channel's elements */
};

struct program {
    uint64_t seed;
    bool strict;
    int n_ops, n_flows, n_objects;
    enum flow_kind flow[FLOWS];
    struct object object[OBJECTS];
    struct op op[OPS];
    uint16_t deps[DEPS]; /* op * 2 + (1: must have ended, 0: must have begun) */
    int n_deps;
    uint16_t moments[OPS * 2]; /* op * 2 + (1: end), in an order that may happen */
    int n_moments;
    uint8_t block_bytes_lost; /* blocks are of BLOCK_BYTES less this */
};

/* Makes the program of a seed. */
void program_make(struct program *p, uint64_t seed);

/* Prints it. */
void program_print(const struct program *p, FILE *f);

extern const char *const op_names[];

/* ---- the oracle ---- */

enum { SURE = 1, PERHAPS = 2 };

/* What happens before what, by the definition.  Some edges a detector may add without harm to its
 * promises (a descriptor's reader learns of all earlier writers): with PERHAPS they count. */
struct order {
    uint64_t before[OPS * 2][OPS * 2 / 64]; /* moments before each moment */
};

/* Computes the order of p.  edges: SURE, or SURE | PERHAPS. */
void oracle_order(const struct program *p, int edges, struct order *ret_order);

/* The same, and calls told(now, from) whenever a moment learns from one of another flow, in the
 * order of the program's moments. */
void oracle_tell(const struct program *p, int edges, struct order *ret_order,
                 void (*told)(int now, int from));

/* A row of bytes. */
struct bytes {
    int region, from, to;
};

/* An access: which bytes, how, and at which moment. */
struct oracle_touch {
    struct bytes at;
    int moment;
    bool write, atomic;
};

/* The accesses of operation i: to memory that it names, and to its object: a send reads the channel
 * and its close writes it, so that unordered they are a race.  Returns how many there are. */
int oracle_touches(const struct program *p, int i, struct oracle_touch ret[2]);

/* The bytes for which operations a and b are in a race; in *ret, at most 2 rows.  Returns how many
 * rows there are. */
int oracle_races(const struct program *p, const struct order *o, int a, int b, struct bytes ret[2]);

/* ---- the executor: run.c ---- */

/* Executes p in the calling goroutine and those that it starts; all have ended when it returns. */
void run_program(const struct program *p);

/* The operations whose begin, whose end was seen; for a program that hangs. */
bool run_has_begun(int op), run_has_ended(int op);

/* Gives back the memory of the program that has run: until then its bytes have names. */
void run_forget(void);

/* The byte at addr as the program names it.  False: it is not the program's. */
bool run_names(uintptr_t addr, int *ret_region, int *ret_off);

/* [p, p + n) overlaps the block, which the program has freed. */
bool run_is_freed(uintptr_t p, size_t n, int block);

/* The made-up return address of operation 0; that of operation n is n more. */
#define RUN_PC ((uintptr_t)0x100000)

/* ---- random.c ---- */

/* Prints the program, what is wrong and how to see it again, and ends the process. */
_Noreturn void random_fail(const char *what);

#endif
