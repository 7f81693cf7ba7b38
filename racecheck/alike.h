/* alike.h - moments of ended flows that nobody will ever tell apart.
 *
 * A moment is an epoch in which an access was recorded.  Take two moments whose flows have ended.
 * If everybody who knows the one knows the other (running flows and objects), that stays so: their
 * flows release nothing any more, and what others know passes on as a whole.  So every later
 * access is ordered after both or after neither, and of two such records with the same bytes and
 * kind one is enough.  A table that a million requests have read, each in a flow of its own that
 * nobody waits for, keeps a record for each state of knowledge, not for each request. */
#ifndef RC_ALIKE_H
#define RC_ALIKE_H

#include <stdbool.h>
#include <stdint.h>

struct alike;

/* For moments of slots up to n_slots. */
struct alike *alike_make(uint32_t n_slots);
void alike_free(struct alike *k);

/* The moment of w, of a flow that has ended, may be asked for. */
void alike_note(struct alike *k, uint64_t w);

/* Finds out who knows which of the noted moments.  Holds up synchronisation for some
 * microseconds and 10 to 50 ns for each flow and object; one caller at a time. */
void alike_learn(struct alike *k);

/* Two moments with the same class are alike, but for a chance of 2^-64.  False: nothing is known of
 * w's moment. */
bool alike_class(const struct alike *k, uint64_t w, uint64_t *ret_class);

#endif
