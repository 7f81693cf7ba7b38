/* census.h - all goroutines in order, and those in the same place as one. */
#ifndef RT_CENSUS_H
#define RT_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include "g.h"
#include "print.h"

/* The goroutines there were at one time, by id. */
struct census {
    struct census_one {
        struct g *g;
        uint64_t id, key; /* key: equal for goroutines in the same place; 0: not known yet */
        const void *obj;  /* where it is parked: what it waits for, or a part of that */
        uint64_t mark;    /* whatever its taker likes; 0 at first */
    } * ones;
    size_t n;
};

/* Takes a census of all for which want() holds (NULL: of all but the runtime's own). */
void census_take(struct census *c, bool (*want)(const struct g *g));
void census_fini(struct census *c);

/* The one with that id, or NULL; and only those for which keep() holds.  Not after
 * census_print() or census_each_place(). */
const struct census_one *census_find(const struct census *c, uint64_t id);
void census_keep(struct census *c, bool (*keep)(const struct census_one *one, void *arg),
                 void *arg);

/* A number for the place where g is, never 0. */
uint64_t census_place(const struct g *g);

/* Calls visit for those in the same place (which has the same number), who stand in the order of
 * their ids; the place of the smallest id comes first.  Must run on a big stack. */
void census_each_place(struct census *c, uint64_t (*place)(const struct g *g),
                       void (*visit)(const struct census_one *ones, size_t n, void *arg),
                       void *arg);

/* Do both wait for the same, if they wait for anything? */
bool census_same(const struct census_one *a, const struct census_one *b);

/* Their ids, which are in order: "9-12, 20"; ", ..." at the end when there are many. */
void census_ranges(struct text *t, const struct census_one *ones, size_t n);

/* Writes them to fd without but, each in Go's form with what it waits for, an empty line between
 * two.  When there are more than each_max, goroutines in the same place are written once, with how
 * many and which they are.  more (may be NULL) writes more about each that is written.  Must run on
 * a big stack. */
void census_print(int fd, struct census *c, const struct g *but, size_t each_max,
                  void (*more)(int fd, const struct g *g));

#endif
