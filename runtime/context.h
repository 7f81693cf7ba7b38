/* context.h - what reports may ask of a context's channel. */
#ifndef RT_CONTEXT_H
#define RT_CONTEXT_H

#include <stdbool.h>
#include "chan.h"

/* True when c, maybe a copy, is a context's channel. */
bool context_has(const struct chan *c);

/* Whether the context around the channel at p, of which context_has() said so, ends by itself some
 * day.  The memory may be gone: then true. */
bool context_has_deadline(const struct chan *p);

#endif
