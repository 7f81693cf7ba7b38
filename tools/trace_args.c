/* trace_args.c - see trace_args.h. */
#include "trace_args.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

int trace_args_query(const char *cmd, const char *name, const char *text, struct tr_query **ret)
{
    struct tr_query_error err;
    *ret = tr_query_make(text, &err);
    if (*ret)
        return CMD_OK;
    return cmd_wrong_use(cmd, "%s, column %u: %s", name, err.column, err.message);
}

int trace_args_time(const char *cmd, const char *name, const char *text, int64_t *ret)
{
    if (tr_parse_time(text, strlen(text), ret))
        return CMD_OK;
    return cmd_wrong_use(cmd, "%s %s: not a time such as 1.5ms", name, text);
}

int trace_args_number(const char *cmd, const char *name, const char *text, unsigned long lo,
                      unsigned long hi, unsigned long *ret)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || end == text || *text == '-' || n < lo || n > hi)
        return cmd_wrong_use(cmd, "%s %s: take a number from %lu to %lu", name, text, lo, hi);
    *ret = n;
    return CMD_OK;
}

/* One of the options at argv[*i]?  1 yes, 0 no, -1 a value is missing. */
static int common(int argc, char **argv, int *i, const char *takes, const char **from,
                  const char **to, const char **filter)
{
    int is = 0;
    if (strchr(takes, 'f') && !(is = cmd_option(argc, argv, i, "--from", from)))
        is = cmd_option(argc, argv, i, "--to", to);
    if (!is && strchr(takes, 'q') && !(is = cmd_option(argc, argv, i, "--filter", filter)))
        is = cmd_option(argc, argv, i, "-q", filter);
    return is;
}

static int special(int argc, char **argv, int *i, const struct trace_option *more)
{
    int is = 0;
    for (; more && more->name && !is; more++) {
        if (more->value) {
            is = cmd_option(argc, argv, i, more->name, more->value);
        } else if (strcmp(argv[*i], more->name) == 0) {
            *more->flag = true;
            is = 1;
        }
    }
    return is;
}

static int values(const char *cmd, struct trace_args *a, const char *from, const char *to)
{
    int code = CMD_OK;
    if (from)
        code = trace_args_time(cmd, "--from", from, &a->from);
    if (code == CMD_OK && to)
        code = trace_args_time(cmd, "--to", to, &a->to);
    if (code == CMD_OK && a->filter)
        code = trace_args_query(cmd, "--filter", a->filter, &a->query);
    return code;
}

int trace_args_read(int argc, char **argv, struct trace_args *a, const char *takes,
                    const struct trace_option *more)
{
    const char *from = NULL, *to = NULL;
    *a = (struct trace_args){.to = INT64_MAX};
    for (int i = 1; i < argc; i++) {
        int is = common(argc, argv, &i, takes, &from, &to, &a->filter);
        if (!is)
            is = special(argc, argv, &i, more);
        if (is < 0)
            return CMD_WRONG_USE;
        if (is)
            continue;
        if (argv[i][0] == '-' && argv[i][1])
            return cmd_wrong_use(argv[0], "unknown option %s; %s -h shows how", argv[i], argv[0]);
        if (a->words == TRACE_WORDS_MAX)
            return cmd_wrong_use(argv[0], "more than %d arguments", TRACE_WORDS_MAX);
        a->word[a->words++] = argv[i];
    }
    return values(argv[0], a, from, to);
}

void trace_args_fini(struct trace_args *a)
{
    tr_query_free(a->query);
    a->query = NULL;
}

const char *trace_args_file(const char *cmd, const struct trace_args *a)
{
    if (a->words == 1)
        return a->word[0];
    if (a->words == 0)
        cmd_wrong_use(cmd, "name a trace: %s FILE.gtrace", cmd);
    else
        cmd_wrong_use(cmd, "one trace at a time: %s and %s were given", a->word[0], a->word[1]);
    return NULL;
}
