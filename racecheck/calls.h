/* calls.h - calling contexts: the whole stack of any access in 30 bits.
 *
 * All stacks of the process form one tree: a node is a call site below its parent's stack.  A
 * flow's present stack is a node; __tsan_func_entry moves to a child and __tsan_func_exit back.
 * Nodes live until the process ends, so a node id is a stack that cannot be lost. */
#ifndef RC_CALLS_H
#define RC_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "check.h"

enum { CALLS_NONE, CALLS_ROOT }; /* node ids: no stack; the empty stack */

/* One node, 16 bytes. */
struct calls_node {
    uintptr_t pc;    /* return address of the call */
    uint32_t parent; /* CALLS_NONE for the root.  Top bit: recursion was folded here */
    uint32_t first;  /* its first child, as a cache; CALLS_NONE: no child yet */
};

#define CALLS_FOLDED (1u << 31)

extern struct calls_node *calls_nodes; /* set once by calls_init(), before any use */

void calls_init(void);

/* The child of node for the call that returns to pc, when this thread went there lately; else
 * CALLS_NONE.  Without side effects. */
uint32_t calls_child_near(uint32_t node, uintptr_t pc);

/* The child of node for the call that returns to pc.  A child of a node that already has many
 * levels of the same call may be an earlier node with that pc: see calls.c. */
uint32_t calls_child_slow(uint32_t node, uintptr_t pc);

/* Gives back the calling thread's cache. */
void calls_thread_fini(void);

/* Nodes made so far. */
uint32_t calls_count(void);

/* pcs in 32 bits, and back: the number of a 64 MiB window and the offset in it. */
enum { PC_WINDOW_SHIFT = 26 };
extern uintptr_t pc_window_0; /* the first window met, which is most often the program's */

uint32_t pc_pack_slow(uintptr_t pc);
uintptr_t pc_unpack(uint32_t packed);

static inline uint32_t pc_pack(uintptr_t pc)
{
    if (likely(pc >> PC_WINDOW_SHIFT == at_load_rlx(&pc_window_0))) /* relaxed: set once */
        return pc & ((1u << PC_WINDOW_SHIFT) - 1);
    return pc_pack_slow(pc);
}

#endif
