/* sim.h - models: small programs that are run under many seeds (sim.c). */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <goshawk.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One program.  Its numbers (how many goroutines, what they do) come from draw(), its order from
 * the scheduler; both follow the seed.  It ends by returning: a HOLD() that does not hold, a
 * deadlock or a crash is a failure of the library. */
struct model {
    const char *name;
    void (*run)(void);
};

extern const struct model chan_models[], lock_models[], time_models[];

/* A model whose every order must come up: run() leaves one in the trail.  mistake: run() has a bug
 * that shows in some orders only; it calls caught() when it shows, and some seed must show it. */
struct reach {
    const char *name;
    void (*run)(void);
    int orders; /* how many different trails there are; 0: it is a mistake to be caught */
};
extern const struct reach reaches[];

/* Ends this run as failed, with the line that repeats it. */
#define HOLD(x) ((x) ? (void)0 : (void)sim_fail(__FILE__, __LINE__, #x))
_Noreturn void sim_fail(const char *file, int line, const char *what);

/* Adds an event to the trail, by which runs are compared. */
void note(char who, int what);

/* The mistake has shown itself. */
void caught(void);

/* A number in [0, below), from the seed; the same sequence in every run of a model. */
int draw(int below);

#endif
