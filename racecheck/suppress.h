/* suppress.h - which reports the user does not want; the file format is TSan's.
 *
 *   # a comment
 *   race:PATTERN               a function, file or module of either stack, or the global's name
 *   race_top:PATTERN           the same, innermost frames only
 *   called_from_lib:PATTERN    calls into libc from that shared library are not looked at
 *   thread:PATTERN             leaks of threads and of goroutines
 *   mutex:, deadlock:, signal: read, for reports of these kinds
 *
 * A PATTERN is searched for anywhere in the name; * stands for any text, ^ at its beginning and $
 * at its end anchor it. */
#ifndef RC_SUPPRESS_H
#define RC_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>

enum rc_suppress_kind {
    RC_SUPPRESS_RACE,
    RC_SUPPRESS_RACE_TOP,
    RC_SUPPRESS_THREAD,
    RC_SUPPRESS_MUTEX,
    RC_SUPPRESS_DEADLOCK,
    RC_SUPPRESS_SIGNAL,
    RC_SUPPRESS_LIB,
    RC_SUPPRESS_KINDS,
};

/* Does the pattern occur in name? */
bool rc_suppress_matches(const char *pattern, const char *name);

/* Adds the lines of text (which is changed and kept).  A line that is none of the above is handed
 * to complain, as one line that names origin and its number, and left out.  Returns how many
 * were. */
int rc_suppress_add(char *text, const char *origin, void (*complain)(const char *line));

/* rc_suppress_add() of a whole file, complaining on stderr; also when it cannot be read. */
void rc_suppress_load(const char *path);

/* Is there a suppression of that kind for name (may be NULL: no)?  It counts as used. */
bool rc_suppressed(enum rc_suppress_kind kind, const char *name);

/* Calls visit for each suppression, with how often it was used. */
void rc_suppress_each(void (*visit)(const char *kind, const char *pattern, unsigned hits, void *),
                      void *arg);

/* Is there any suppression of that kind? */
bool rc_suppress_any(enum rc_suppress_kind kind);

#endif
