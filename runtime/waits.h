/* waits.h - what a parked goroutine waits for, as text. */
#ifndef RT_WAITS_H
#define RT_WAITS_H

#include <stdbool.h>
#include "g.h"

/* Writes a line for each object that g, which was parked a moment ago, waits for: its address, its
 * name if it is a variable, its state, who holds it.  Nothing when g's reason says it all.  The
 * objects may go away meanwhile: then the line is wrong or missing, but no harm is done.  Must run
 * on a big stack. */
void waits_print(int fd, const struct g *g);

/* True when g may go on without any other goroutine or thread doing anything: it sleeps, waits for
 * a file, a timer that is armed, or a context with a deadline. */
bool waits_for_time(const struct g *g);

#endif
