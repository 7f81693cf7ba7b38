/* unseen.c - order that the detector does not see.
 *
 * Compiled without instrumentation, and it uses nothing of the library but go_yield(), which orders
 * nothing.  So two goroutines that take turns here are unordered as far as happens-before goes. */
#define GO_NO_VARIANT_CHECK_
#include "race.h"

static int step;

void await_step(int n)
{
    while (__atomic_load_n(&step, __ATOMIC_ACQUIRE) < n)
        go_yield();
}

void step_to(int n)
{
    await_step(n - 1);
    __atomic_store_n(&step, n, __ATOMIC_RELEASE);
}

void let_others_run(void)
{
    for (int i = 0; i < 1000; i++)
        go_yield();
}

void await_report(void)
{
    while (go_race_errors() == 0)
        go_yield();
}
