/* race.h - from a conflict found to a report handed over. */
#ifndef RC_RACE_H
#define RC_RACE_H

#include "cell.h"

/* Access a to the word at addr is in a race with every entry found, or comes after it, a free.
 * Holds no cell. */
void race_found(const struct access *a, uintptr_t addr, const struct found *found);

/* Locks that are taken in a circle.  Holds no lock of the engine. */
void race_circle(struct rc_circle *circle);

/* A lock was taken for reading twice.  Holds no lock of the engine. */
void race_reread(struct rc_reread *reread);

/* Races on [p, p + n) are not reported from now on. */
void race_benign(uintptr_t p, size_t n);

#endif
