/* spawn.h - where goroutines begin and end; called by the stubs of arch/switch_*.S. */
#ifndef RT_SPAWN_H
#define RT_SPAWN_H

#include "hook.h"
#include "scheduler.h"

/* The saved call go(fn, args...): takes the call announced last and starts it.  regs lies in the
 * stub's frame; regs->fn is set here. */
void rt_go_call(struct call_regs *regs, const void *stacked, uintptr_t pc);

/* seed, which is READY, is about to run on m for the first time: returns the goroutine that takes
 * its place, READY and with a stack. */
struct g *rt_first_run(struct m *m, struct g *seed);

#if GO_ASAN
/* A goroutine's first instructions run. */
void rt_goroutine_begin(void);
#endif

/* The goroutine's function has returned.  Does not return; is not declared so (arch/switch.h). */
void rt_goroutine_end(void);

/* Notes a call for the stub that follows. */
void rt_announce(struct g *self, struct g_call call);

/* Takes the call announced last. */
struct g_call rt_announced(struct g *self);

/* How many of a call's stacked bytes, at stacked on self's stack, there can be. */
size_t rt_stacked_bytes(const struct g *self, const struct g_call *call, const void *stacked);

/* Who is to be shown as the creator of a goroutine that a timer starts. */
struct origin {
    uint64_t by;  /* goroutine that armed it; 0: a thread */
    uintptr_t pc; /* return address of its call */
    void *shown;  /* function to show as the goroutine's, or NULL */
    /* for the detector */
    const void *edge; /* what was released there comes before the goroutine; or NULL */
    struct rc_arranged arranged;
};

/* Starts fn(arg) as a goroutine; callable on scheduler stacks. */
void rt_spawn_for(const struct origin *o, void (*fn)(void *), void *arg);

/* Starts fn(arg) as the main goroutine; dumps, reports and traces show the function shown. */
void rt_spawn_main(struct g *by, void (*fn)(void *), void *arg, void *shown);

/* The main goroutine is about to end by go_exit(). */
void rt_note_main_exit(void);

/* True once the main goroutine has ended by go_exit(). */
bool rt_main_exited(void);

#endif
