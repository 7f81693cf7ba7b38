/* race_log.h - the race detector's reports, read back from logs.
 *
 * A log is what a program wrote under GORACE, as text or as JSON lines, alone or among other
 * output. Every report becomes the JSON object that format=json writes (racecheck/story_json.c);
 * reports of text have no module and pc in their stacks, and their location has "text". */
#ifndef RACE_LOG_H
#define RACE_LOG_H

#include "json.h"

/* Appends the reports in the n bytes of a log to `reports`, an array.  A report whose fingerprint
 * is there already only adds to that one's "count".  Returns NULL, or what is wrong, with its line
 * in *ret_line. */
const char *race_log_read(const char *text, size_t n, struct json *reports, int *ret_line);

#endif
