/* no_ms.h - for models in which no thread is an M: so no lock is biased, which is a matter of
 * model_locks.c. */
#ifndef TESTS_MODEL_NO_MS_H
#define TESTS_MODEL_NO_MS_H

#include "world.h"
#include "proc.h"

struct m *rt_m(void)
{
    return NULL;
}

struct m *worker_all(void)
{
    return NULL;
}

void rt_lock_pause(unsigned round)
{
    (void)round;
    ex_pause();
}

#endif
