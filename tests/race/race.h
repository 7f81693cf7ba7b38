/* race.h - a test's name is its verdict.
 *
 *     RACE(name) { ... }        // expect: write x in name / write x in put
 *     NORACE(name) { ... }
 *
 * A file of cases is a program: `chan_cases NAME` runs one case as the main goroutine of a fresh
 * process, `chan_cases --list` names them all.  race.py runs each at several GOMAXPROCS and reads
 * the verdict and the reports.
 *
 * Expectations stand on the lines directly above the case, one a report: what the second access
 * does, to what, in which function; then the same of the first.  "write x in put" asks for a Write
 * whose innermost shown frame is put(), on a source line that mentions x.
 *
 * Both accesses of a RACE happen in a fixed order, so that there is one right report and it comes
 * on every run.  The order is made with steps that the detector does not see (unseen.c): not with
 * anything of <goshawk.h>, and never by sleeping.
 *
 * What the cases fight over are x, y and z below and memory they make: globals with external
 * linkage that the compiler cannot reason away. */
#ifndef TESTS_RACE_H
#define TESTS_RACE_H

#include <goshawk.h>
#include <stdlib.h>

struct race_case {
    const char *name;
    void (*run)(void);
    bool race;
};

#define RACE_CASE_(name_, race_)                                         \
    static void name_(void);                                             \
    static const struct race_case case_##name_ = {#name_, name_, race_}; \
    static const struct race_case *const case_p_##name_                  \
        __attribute__((used, section("race_cases"))) = &case_##name_;    \
    static __attribute__((noinline)) void name_(void)

#define RACE(name)   RACE_CASE_(name, true)
#define NORACE(name) RACE_CASE_(name, false)

extern int x, y, z;

/* A function that stays a frame of its own. */
#define FRAME static __attribute__((noinline))

/* Waits until the detector has reported a race. */
void await_report(void);

/* Steps begin at 0.  step_to(n) is invisible to the detector: the caller waits for step n - 1, and
 * then makes it n.  await_step(n) waits until step n or later. */
void step_to(int n);
void await_step(int n);

/* Makes step 1 after fn(). */
void call_and_step(void (*fn)(void));

/* Runs fn() in a goroutine; has come back when the effect is there, and ordered nothing. */
void first(void (*fn)(void));

/* Gives way a thousand times, so that who can run has most likely run.  For NORACE cases, where it
 * decides which path is taken and not the verdict. */
void let_others_run(void);

#endif
