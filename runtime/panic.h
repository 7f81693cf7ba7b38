/* panic.h - ends of programs: panics of goroutines and fatal errors. */
#ifndef RT_PANIC_H
#define RT_PANIC_H

#include <stdint.h>
#include <stddef.h>

struct g;

/* A panic with Go's text (go_panic() of the user ends here too): runs deferred calls up to the
 * go_recover() around it, or ends the program with status 2. */
_Noreturn void rt_panic(const char *text);

/* The same, where the report also says that the object it is about was "closed" (did) before, by
 * goroutine g (0: a thread), in a call that returns to pc (0: not known). */
_Noreturn void rt_panic_after(const char *text, const char *did, uint64_t g, uintptr_t pc);

/* An error that no recover can stop: prints "fatal error: TEXT", the stack of the running
 * goroutine, and exits with 2. */
_Noreturn void rt_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the stacks of all goroutines, and with the seed if there is one. */
_Noreturn void panic_fatal_all(const char *text);

/* Whoever is first goes on to print the end of the program; the others wait here for ever. */
void panic_claim(void);

/* The same on behalf of the thread tid, which may have claimed it already (it crashed in its
 * report). */
void panic_claim_for(int tid);

/* The main goroutine has returned: lets ends that others have begun be told, and does not return
 * when there was one; but deferred calls of a panic that take long are not waited for. */
void panic_goes_first(void);

/* Once: exit() waits for such ends, too. */
void panic_init(void);

/* go_exit() was called in the midst of self's panics, which end with it. */
void panic_stopped_by_exit(struct g *self);

/* Ends the process after such a print: status 2, or SIGABRT under GOTRACEBACK=crash. */
_Noreturn void panic_exit(void);

#endif
