/* trace_text.h - goroutines, objects and places as the terminal shows them.
 *
 * Everything that the recorded program named (functions, files, objects, itself) goes through
 * td_clean(): a name cannot speak to the terminal. */
#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include "reader.h"

enum { TRACE_TEXT_MAX = 256 };

/* Text of the recorded program. */
void trace_put(FILE *f, const char *text);

/* "G7 worker", "G7" without a label, "nobody" for 0. */
const char *trace_g_text(char buf[TRACE_TEXT_MAX], uint64_t g, const char *label);

/* "take_job pool.c:42", the user's frame of a stack; "" when there is none.  The file without its
 * folders. */
const char *trace_place_text(char buf[TRACE_TEXT_MAX], struct tr_reader *r, uint32_t stack);

/* "chan receive chan#3" */
const char *trace_wait_text(char buf[TRACE_TEXT_MAX], struct tr_reader *r, enum tr_reason why,
                            uint64_t obj);

/* The label of a goroutine that lives, or NULL. */
const char *trace_label(struct tr_reader *r, uint64_t g);

/* A text of the recorded program in lines of at most width columns, each indented. */
void trace_put_wrapped(FILE *f, const char *text, unsigned width, unsigned indent);

/* A text in pieces that goes on in another line, indented, where the line is full. */
struct trace_line {
    FILE *out;
    unsigned width, indent, at;
};
void trace_line_add(struct trace_line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void trace_line_end(struct trace_line *l);

#endif
