/* outlet.h - how a finished report leaves: log, limit, colour, callback; and the page at the
 * end. */
#ifndef RC_OUTLET_H
#define RC_OUTLET_H

#include "log.h"
#include "rc.h"

/* Prints the text of a report, unless max_reports were printed before, empties it, counts it, and
 * tells the program's callback.  One at a time: so who sees the count may end the process. */
void outlet_send(struct log_text *text, struct rc_report what, unsigned *count);

/* Code that was compiled for the detector has been loaded. */
void outlet_watches(void);

/* Says once that there was none, so that silence is not taken for a verdict. */
void outlet_unwatched(void);

/* Prints which suppressions were used, if print_suppressions asks for it; once. */
void outlet_suppressions(void);

#endif
