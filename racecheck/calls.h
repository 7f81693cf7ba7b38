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
    uint32_t pc;     /* return address of the call, packed */
    uint32_t parent; /* CALLS_NONE for the root.  Top bit: recursion was folded here */
    uint32_t first;  /* its first child; CALLS_NONE: no child yet */
    uint32_t next;   /* the next child of its parent, or CALLS_NONE.  Top bit: it has children
                        that are not in its list, but in the table */
};

#define CALLS_FOLDED (1u << 31)
#define CALLS_MORE   (1u << 31)

extern struct calls_node *calls_nodes; /* set once by calls_init(), before any use */

void calls_init(void);

/* The child of node for the call that returns to pc (packed), when it is near or this thread went
 * there lately; else CALLS_NONE.  Without side effects. */
uint32_t calls_child_near(uint32_t node, uint32_t pc);

/* The child of node for the call that returns to pc (packed), when it is one of the first two; else
 * CALLS_NONE. */
static inline uint32_t calls_child_first(uint32_t node, uint32_t pc)
{
    uint32_t child = at_load_acq(&calls_nodes[node].first); /* [calls-node] */
    if (calls_nodes[child].pc == pc)
        return child;
    child = at_load_acq(&calls_nodes[child].next) & ~CALLS_MORE; /* [calls-node] */
    /* relaxed: set once, but for a remark; then the child is found in another way */
    bool is = calls_nodes[child].pc == pc && at_load_rlx(&calls_nodes[child].parent) == node;
    return is ? child : (uint32_t)CALLS_NONE;
}

/* The child of node for the call that returns to pc (packed).  A child of a node that already has
 * many levels of the same call may be an earlier node with that pc: see calls.c.  depth: node has
 * no more levels than that. */
uint32_t calls_child_slow(uint32_t node, uint32_t pc, size_t depth);

/* Gives back the calling thread's cache. */
void calls_thread_fini(void);

/* Nodes made so far. */
uint32_t calls_count(void);

/* pcs in 32 bits, and back: the number of a 64 MiB window and the offset in it.  Window 0 begins
 * where the program does. */
enum { PC_WINDOW_SHIFT = 26 };
extern uintptr_t pc_window_0; /* its first address; r/o after calls_init() */

uint32_t pc_pack_slow(uintptr_t pc);
uintptr_t pc_unpack(uint32_t packed);

static inline uint32_t pc_pack(uintptr_t pc)
{
    uintptr_t offset = pc - pc_window_0;
    return likely(offset >> PC_WINDOW_SHIFT == 0) ? (uint32_t)offset : pc_pack_slow(pc);
}

/* Such a pc is no address but a number of 26 bits that somebody hangs on a stack (lockset.h), as a
 * last child; it never stands in the way of calls. */
#define CALLS_MARK (UINT32_C(62) << PC_WINDOW_SHIFT)

static inline bool calls_is_mark(uint32_t packed)
{
    return packed >> PC_WINDOW_SHIFT == CALLS_MARK >> PC_WINDOW_SHIFT;
}

/* The return address of a node's call. */
static inline uintptr_t calls_pc(uint32_t node)
{
    return pc_unpack(calls_nodes[node].pc);
}

#endif
