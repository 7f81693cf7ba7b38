/* slot.h - columns of the vector clocks, and the lives they stand for. */
#ifndef RC_SLOT_H
#define RC_SLOT_H

#include "report.h"
#include "vclock.h"

void slot_init(void);

/* The first epoch of a slot for a flow with that life, which begins after all that after knows
 * (NULL: nothing).  Without a slot to give the process ends with one line. */
uint64_t slot_take(struct rc_life *life, const struct snap *after);

/* The flow whose present epoch is now has ended.  last is its last epoch in which it recorded an
 * access or released something; whoever knows last knows all that the flow did. */
void slot_give(uint64_t now, uint64_t last);

/* The life that the epoch of an access word belongs to. */
struct rc_life *slot_life(uint64_t w);

/* Slots taken so far, again ones not counted. */
uint32_t slot_count(void);

/* Calls visit for all lives, latest first, until it returns true. */
void slot_each_life(bool (*visit)(struct rc_life *life, void *arg), void *arg);

struct rc_life *life_make(enum rc_kind kind, uint64_t id);

#endif
