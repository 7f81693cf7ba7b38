/* slot.h - columns of the vector clocks, and the lives they stand for. */
#ifndef RC_SLOT_H
#define RC_SLOT_H

#include "report.h"
#include "vclock.h"

void slot_init(void);

enum { LIVES_SHOWN = 64 }; /* a flow and its nearest ancestors, which are kept for reports */

/* The first epoch of a slot for a flow with that life, which begins after all that after knows
 * (NULL: nothing).  Without a slot to give the process ends with one line. */
uint64_t slot_take(struct rc_life *life, const struct snap *after);

/* The flow with that life, whose present epoch is now, has ended.  last is its last epoch in which
 * it recorded an access or released something; whoever knows last knows all that the flow did. */
void slot_give(const struct rc_life *life, uint64_t now, uint64_t last);

/* In the child of a fork(): s learns all that ended flows did, whose slots nobody goes on in. */
void slot_forked(struct snap *s);

/* The life that the epoch of a word's record belongs to, or NULL. */
struct rc_life *slot_life(uint64_t w);

/* Slots taken so far, again ones not counted. */
uint32_t slot_count(void);

/* Calls visit for all lives, latest first, until it returns true. */
void slot_each_life(bool (*visit)(struct rc_life *life, void *arg), void *arg);

/* A life, which becomes known with its first slot. */
struct rc_life *life_make(enum rc_kind kind, uint64_t id);

/* Lives that are remembered. */
uint64_t slot_lives(void);

/* ---- for collect.c: one collection at a time ---- */

struct slot_marks;

/* The flows that have ended by now. */
struct slot_marks *slot_marks_begin(void);

/* A word still records an access of that epoch. */
void slot_mark(struct slot_marks *m, uint64_t w);

/* The flow of that epoch had ended at the beginning. */
bool slot_had_ended(struct slot_marks *m, uint64_t w);

/* Something else refers to the life. */
void slot_mark_life(const struct rc_life *life);

/* Of the flows that had ended at the beginning, those without a mark are forgotten. */
void slot_marks_end(struct slot_marks *m);

#endif
