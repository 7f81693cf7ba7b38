/* waits.h - what a parked goroutine waits for. */
#ifndef RT_WAITS_H
#define RT_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "g.h"

enum { WAITS_SHOWN = 16 };

struct waits_object {
    const char *want; /* of it: "room in ", "a value of ", or "" */
    const char *kind; /* "chan", "mutex" */
    const void *obj;
    bool is_lock;      /* somebody holds it */
    char held[32];     /* how, if that is known: ", held for writing"; or "" */
    char state[80];    /* " (cap 4, len 4)", ", count 3"; or "" */
    uint32_t readers;  /* that hold it; 0: none, or not known */
    uintptr_t made_pc; /* return address of the call that made it, or 0 */
};

/* Stores at most max (1 or more) of the objects that g, which was parked a moment ago, waits for;
 * returns how many: none when its reason says it all.  The objects may go away meanwhile: then what
 * is stored is wrong or less, but no harm is done. */
size_t waits_objects(const struct g *g, struct waits_object *ret, size_t max);

/* Do a and b, which were parked a moment ago, wait for the same: that object, those channels? */
bool waits_same(const struct g *a, const struct g *b);

/* The channel at p, which may be anything; false: there is none. */
bool waits_chan_at(const void *p, struct waits_object *ret);

/* Writes a line for each of them: its address, its name if it is a variable, its state, who holds
 * it.  Must run on a big stack. */
void waits_print(int fd, const struct g *g);

/* Writes before and the function, file and line of the call that returns to pc; nothing when pc is
 * 0.  Must run on a big stack. */
void waits_print_place(int fd, const char *before, uintptr_t pc);

/* True when g may go on without any other goroutine or thread doing anything: it sleeps, waits for
 * a file, a timer that is armed, or a context with a deadline. */
bool waits_for_time(const struct g *g);

#endif
