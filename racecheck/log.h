/* log.h - where reports go: GORACE's log_path. */
#ifndef RC_LOG_H
#define RC_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* A growing text of one report, so that it leaves in one piece.  Zero bytes are an empty one. */
struct log_text {
    char *buf;
    size_t len, cap;
};

void log_printf(struct log_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As log_printf of "s", a JSON string with its quotes. */
void log_json(struct log_text *t, const char *s);

/* Would text in colour please who reads the log?  See GORACE's color. */
bool log_in_color(void);

/* Writes t to the log and empties it. */
void log_send(struct log_text *t);

#endif
