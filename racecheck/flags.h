/* flags.h - the options of the environment variable GORACE. */
#ifndef RC_FLAGS_H
#define RC_FLAGS_H

#include <stddef.h>

enum { RC_TEXT_MAX = 1024 }; /* longest value of a text option, with its 0 */

enum rc_format { RC_FORMAT_TEXT, RC_FORMAT_JSON };

enum rc_color { RC_COLOR_AUTO, RC_COLOR_ALWAYS, RC_COLOR_NEVER };

struct rc_flags {
#define FLAG_INT(name, dflt, lo, hi, what) int name;
#define FLAG_WORD(name, dflt, words, what) int name;
#define FLAG_TEXT(name, dflt, what)        char name[RC_TEXT_MAX];
#include "flags.def"
#undef FLAG_INT
#undef FLAG_WORD
#undef FLAG_TEXT
};

/* The options in force; the defaults before rc_report_init(). */
const struct rc_flags *rc_flags(void);

/* Sets all options to their defaults, then to what text (may be NULL) says: NAME=VALUE pairs
 * between blanks; a value with blanks stands in single or double quotes.  Each option that is
 * unknown or has a value that it cannot take keeps its default and costs one line, which is handed
 * to complain. Returns the number of such lines. */
int rc_flags_parse(struct rc_flags *f, const char *text, void (*complain)(const char *line));

/* rc_flags_parse() of GORACE into the options in force, complaining on stderr. */
void rc_flags_init(void);

#endif
