/* counters.h - what the detector did and holds: GORACE's stats=1.
 *
 * The fast path counts nothing; so while accesses are counted there is none, and each of them goes
 * the way that counts it. */
#ifndef RC_COUNTERS_H
#define RC_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"

extern bool counters_on; /* r/o after counters_start() */

/* From now on accesses are counted.  Before any access is. */
void counters_start(void);

/* That many words were accessed, so many of them already covered by the present epoch. */
void counters_add(uint64_t words, uint64_t covered);

static inline void counters_saw(uint64_t words, uint64_t covered)
{
    if (unlikely(counters_on))
        counters_add(words, covered);
}

struct counters {
    uint64_t accesses; /* words of plain accesses checked; 0 unless counted */
    uint64_t covered;  /* of these: the present epoch had recorded one that covers it */
};
void counters_read(struct counters *ret);

/* Writes the counter page to the log. */
void counters_print(void);

#endif
