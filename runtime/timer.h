/* timer.h - what reports may ask of a go_timer's channel. */
#ifndef RT_TIMER_H
#define RT_TIMER_H

#include <stdbool.h>
#include "chan.h"

/* True when c, maybe a copy, is a timer's or ticker's channel. */
bool timer_has(const struct chan *c);

/* Whether the timer around the channel at p, of which timer_has() said so, will fire.  The memory
 * may be gone: then true. */
bool timer_is_armed(const struct chan *p);

#endif
