/* stacks.h - stacks of a trace as people want to see them, each looked up once. */
#ifndef STACKS_H
#define STACKS_H

#include <stdint.h>
#include "reader.h"

enum { STACK_FRAMES_MAX = 256 };

struct stack_frame {
    const char *function, *file; /* the reader's; file may be NULL */
    int line;
    uint64_t pc; /* the same for functions that are inlined into each other */
};

/* The frames of a stack, innermost first: of the runtime's own only the function that the program
 * called, and none from beneath the goroutine's entry function.  Returns how many, at most
 * STACK_FRAMES_MAX; 0 for no stack. */
size_t stack_frames(struct tr_reader *r, uint32_t id, struct stack_frame *ret);

/* Where the user's program called into the runtime, for each stack.  Zero bytes are an empty one.
 */
struct stack_places {
    char **text; /* by id; NULL: not looked up yet */
    size_t cap;
};

/* "function file:line" of the stack's user frame, "" when there is none. */
const char *stack_place(struct stack_places *s, struct tr_reader *r, uint32_t id);
void stack_places_fini(struct stack_places *s);

#endif
