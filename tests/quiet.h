/* quiet.h - waiting until no other goroutine can run, for tests of all kinds. */
#ifndef TESTS_QUIET_H
#define TESTS_QUIET_H

#include <goshawk.h>
#include <goshawk/metrics.h>
#include <stdint.h>

/* Returns when all others wait or have ended, whatever the number of Ps.  (A goroutine that lost
 * its P to the monitor runs on beside the one P of a test, so a number of yields would not do.)
 * Two looks in a row with nobody made runnable between them: one alone may pass by each goroutine
 * just when another one runs.  False: the metrics could not be read.  Requires: nobody else does
 * so. */
static inline bool wait_for_quiet(void)
{
    for (uint64_t made = 0, last = 1, quiet = 0, turns = 1; quiet < 2; last = made) {
        struct go_metrics m = {.size = sizeof m};
        if (go_metrics_read(&m) != 0)
            return false;
        made = m.readies + m.spawned;
        quiet = m.g_running > 1 || m.g_runnable > 0 ? 0 : made == last ? quiet + 1 : 1;
        if (quiet)
            continue;
        for (uint64_t i = 0; i < turns; i++)
            go_yield();
        turns *= 2; /* a look is dear where there are many */
    }
    return true;
}

#endif
