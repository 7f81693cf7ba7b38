/* terminal.h - what the output goes to. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

enum { TERMINAL_WIDTH = 100, TERMINAL_WIDTH_MIN = 40, TERMINAL_WIDTH_MAX = 1000 };

/* Columns: of COLUMNS, of the terminal, or TERMINAL_WIDTH. */
unsigned terminal_width(void);

/* Whether to write colours and blocks.  when: "auto" or NULL (a terminal that knows UTF-8, without
 * NO_COLOR), "always" or "never".  Sets the locale for it. */
bool terminal_colour(const char *when);

#endif
