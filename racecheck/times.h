/* times.h - when a flow was in which epoch: so that a report can say, of the earlier access, at
 * least between which two moments it was made.
 *
 * An access is recorded with its epoch, and without a time: reading a clock would cost more than
 * the rest of the record.  But the host reads one wherever it records a change of a flow's state,
 * and says so (rc_note_time()).  Of these notes each flow keeps a few, dense for its latest past
 * and ever sparser behind. */
#ifndef RC_TIMES_H
#define RC_TIMES_H

#include <stdint.h>

#include "report.h"

enum { TIMES_KEPT = 20 }; /* 500 bytes a flow, while a trace is recorded */

/* The flow with that life is in epoch at the time now of the host's clock.  Called by the flow, or
 * while it does not run. */
void times_note(struct rc_life *life, uint64_t epoch, uint64_t now);

/* The times between which the flow was in epoch for certain; 0: nothing is known of that side. */
void times_of(const struct rc_life *life, uint64_t epoch, uint64_t *ret_after, uint64_t *ret_until);

/* The life is given back. */
void times_free(struct rc_life *life);

#endif
