/* census.h - all goroutines in order, and those in the same place as one. */
#ifndef RT_CENSUS_H
#define RT_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include "g.h"

/* The goroutines there were at one time, by id. */
struct census {
    struct census_one {
        struct g *g;
        uint64_t id, key; /* key: equal for goroutines in the same place; 0: not known yet */
        const void *obj;  /* what it waits for */
    } * ones;
    size_t n;
};

/* Takes a census of all for which want() holds (NULL: of all but the runtime's own). */
void census_take(struct census *c, bool (*want)(const struct g *g));
void census_fini(struct census *c);

/* Writes them to fd without but, each in Go's form with what it waits for, an empty line between
 * two.  When there are more than each_max, goroutines in the same place are written once, with how
 * many and which they are.  more (may be NULL) writes more about each that is written.  Must run on
 * a big stack. */
void census_print(int fd, struct census *c, const struct g *but, size_t each_max,
                  void (*more)(int fd, const struct g *g));

#endif
