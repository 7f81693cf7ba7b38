/* trace_args.h - arguments that the commands of "goshawk trace" have in common.
 *
 *   --from T, --to T       a window of time, such as --from 1.5ms
 *   -q, --filter QUERY     query.h */
#ifndef TRACE_ARGS_H
#define TRACE_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include "query.h"

enum { TRACE_WORDS_MAX = 64 };

struct trace_args {
    const char *word[TRACE_WORDS_MAX]; /* what is no option: files and others */
    int words;
    int64_t from, to;       /* to: INT64_MAX without --to */
    const char *filter;     /* as given, or NULL */
    struct tr_query *query; /* of it */
};

/* Another option of a command: with a value, or a flag.  A list ends with zero bytes. */
struct trace_option {
    const char *name;
    const char **value;
    bool *flag;
};

/* Reads argv[1..argc).  takes: which of the common options the command knows, "ftq" for all.
 * Returns CMD_OK, or the exit code after one line on stderr.  trace_args_fini() either way. */
int trace_args_read(int argc, char **argv, struct trace_args *a, const char *takes,
                    const struct trace_option *more);
void trace_args_fini(struct trace_args *a);

/* The one trace that a command wants.  NULL after a message. */
const char *trace_args_file(const char *cmd, const struct trace_args *a);

/* Parses text, the value of name.  CMD_OK, or the exit code after one line with the column. */
int trace_args_query(const char *cmd, const char *name, const char *text, struct tr_query **ret);

/* Parses a time or a number from lo to hi.  Likewise. */
int trace_args_time(const char *cmd, const char *name, const char *text, int64_t *ret);
int trace_args_number(const char *cmd, const char *name, const char *text, unsigned long lo,
                      unsigned long hi, unsigned long *ret);

/* Whether --from or --to left something out. */
static inline bool trace_args_has_window(const struct trace_args *a)
{
    return a->from > 0 || a->to < INT64_MAX;
}

/* Whether [begin, end] touches the window. */
static inline bool trace_args_in(const struct trace_args *a, int64_t begin, int64_t end)
{
    return end >= a->from && begin <= a->to;
}

#endif
