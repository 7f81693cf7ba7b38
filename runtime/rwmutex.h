/* rwmutex.h - what the runtime's own files may ask of a go_rwmutex. */
#ifndef RT_RWMUTEX_H
#define RT_RWMUTEX_H

#include <stdbool.h>
#include <stdint.h>
#include <goshawk/rwmutex.h>

struct rwmutex_state {
    uint32_t readers; /* that hold it */
    bool written;     /* a writer holds it */
    bool writer_next; /* a writer waits for those to leave */
};

/* What m, a copy or nobody's own, says. */
struct rwmutex_state rwmutex_state(const go_rwmutex *m);

#endif
