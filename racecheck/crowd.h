/* crowd.h - words that very many flows use at once: read by all of them, or an atomic counter.
 *
 * A past with more than CROWD_MIN entries has a head, entries of any kind, and a tail of entries
 * of one class that do not conflict with each other: plain reads, or atomics.  A further access of
 * the tail's class is checked against the head alone and appended, so that the n-th costs what the
 * first did. */
#ifndef RC_CROWD_H
#define RC_CROWD_H

#include "cell.h"

enum { CROWD_MIN = 4 };

/* Adds a to p in place, checking it.  False when that cannot be: nothing was done.  Requires: only
 * the caller's cell refers to p, and the caller holds it. */
bool crowd_append(struct past *p, const struct access *a, struct found *found);

/* Puts a past under construction into the form above, leaving out entries that a later one of the
 * same flow makes superfluous. */
void crowd_tidy(struct past *p);

#endif
