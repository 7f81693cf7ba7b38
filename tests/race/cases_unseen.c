/* cases_unseen.c - order that the detector does not see: compiled without it. */
#include <sched.h>

void await_step(int n);
void step_to(int n);

static int step;

void await_step(int n)
{
    while (__atomic_load_n(&step, __ATOMIC_ACQUIRE) < n)
        sched_yield();
}

void step_to(int n)
{
    await_step(n - 1);
    __atomic_store_n(&step, n, __ATOMIC_RELEASE);
}
