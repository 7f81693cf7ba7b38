/* stress.h - what the scenes of stress.c share.
 *
 * A scene runs until running() is false, has goroutines of its own, and ends when they have ended.
 * It calls step() for every piece of work done, which feeds the watchdog, and HOLD() for what must
 * be true.  Its random numbers come from random_of() with a salt that no other scene has, so that
 * the seed decides what it does. */
#ifndef TESTS_STRESS_STRESS_H
#define TESTS_STRESS_STRESS_H

#include <goshawk.h>
#include <stdbool.h>
#include <stdint.h>

typedef go_chan(int) int_chan;

/* false when the time is over. */
bool running(void);

/* One piece of work is done. */
void step(void);

/* Ends the program unless x holds; a and b are shown. */
#define HOLD(scene, x, a, b) ((x) ? (void)0 : fail(scene, #x, (long)(a), (long)(b)))
_Noreturn void fail(const char *scene, const char *what, long a, long b);

/* Random numbers: each goroutine has its own stream. */
struct random {
    uint64_t s;
};
struct random random_of(uint64_t salt);
uint32_t draw(struct random *r, uint32_t below);

/* Computes for d without a call into the runtime; returns the number of rounds. */
unsigned long compute(go_duration d);

void scene_ring(void);     /* tokens go round */
void scene_exchange(void); /* everybody selects among all channels */
void scene_close(void);    /* all who wait for a close see it */

void scene_bank(void);    /* money moved between accounts keeps its sum */
void scene_hot(void);     /* one mutex, one counter */
void scene_cond(void);    /* a bounded buffer of a mutex and two conditions */
void scene_permits(void); /* a weighted semaphore */
void scene_group(void);   /* groups with limits and errors */
void scene_once(void);    /* exactly once, and done for all who asked */

void scene_sleep(void);    /* never early */
void scene_timers(void);   /* fired or stopped, never both, never neither */
void scene_tickers(void);  /* ticks are apart, and end */
void scene_contexts(void); /* trees of contexts */

void scene_storm(void);  /* goroutines start goroutines */
void scene_panics(void); /* panics, deferred calls, go_exit() */
void scene_stacks(void); /* stacks of many sizes, used to the bottom */

void scene_threads(void);  /* plain threads */
void scene_locked(void);   /* goroutines that keep their thread, some for ever */
void scene_blocking(void); /* read(2), announced and not */
void scene_hogs(void);     /* long computing */
void scene_pipes(void);    /* descriptors, with the poller */
void scene_procs(void);    /* the number of processors changes */

#endif
