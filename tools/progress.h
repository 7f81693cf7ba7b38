/* progress.h - how far the reading of a long trace has come, for people who wait.
 *
 * On a terminal, one line on stderr that is written over, from half a second after the beginning;
 * nothing elsewhere.  A tick costs an increment and a comparison. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "reader.h"

enum { PROGRESS_EVERY = 1 << 15 }; /* events between two looks at the clock */

struct progress {
    const char *what; /* "reading" */
    int64_t end_ns, begun, shown;
    uint64_t events;
    uint32_t left;
    bool wanted, visible;
};

void progress_begin(struct progress *p, const struct tr_reader *r, const char *what);
void progress_look(struct progress *p, int64_t time_ns);
void progress_end(struct progress *p); /* wipes the line */

/* After each event. */
static inline void progress_tick(struct progress *p, int64_t time_ns)
{
    if (p->left-- == 0)
        progress_look(p, time_ns);
}

#endif
