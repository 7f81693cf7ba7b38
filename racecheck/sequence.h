/* sequence.h - release sequences of C11: what a load of a location's present value acquires.
 *
 * A release store heads a new sequence.  A read-modify-write continues the present one and, when it
 * releases, heads one more that goes on together with it.  A relaxed store ends them all but those
 * that its own flow heads (C11; no longer since C++20). */
#ifndef RC_SEQUENCE_H
#define RC_SEQUENCE_H

#include "ctx.h"

enum { SEQUENCE_HEADS = 4 }; /* flows whose parts are told apart */

/* Empty when all zero. */
struct sequence {
    struct snap clock;              /* what an acquire load joins */
    struct sequence_heads *of_each; /* NULL: at most one flow has released into it */
};

/* c stores and releases `given`. */
void sequence_begin(struct sequence *q, const struct snap *given);

/* c stores and releases nothing.  When more than SEQUENCE_HEADS flows have released into the
 * sequence, what remains may be more than c's part, but never less. */
void sequence_end(struct sequence *q, const struct rc_ctx *c);

/* c releases `given`, not empty, into what there is. */
void sequence_add(struct sequence *q, const struct rc_ctx *c, const struct snap *given);

void sequence_clear(struct sequence *q);

void sequence_each_clock(const struct sequence *q, void (*visit)(const struct snap *s, void *arg),
                         void *arg);

#endif
