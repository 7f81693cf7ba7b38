/* story_main.c - the commands timeline and view on a story: story timeline|view ARGUMENTS */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

/* As main.c of the goshawk command has them. */
static int say(int code, const char *cmd, const char *fmt, va_list ap)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", cmd);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    return code;
}

int cmd_failed(const char *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int code = say(CMD_FAILED, cmd, fmt, ap);
    va_end(ap);
    return code;
}

int cmd_wrong_use(const char *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int code = say(CMD_WRONG_USE, cmd, fmt, ap);
    va_end(ap);
    return code;
}

int cmd_option(int argc, char **argv, int *i, const char *name, const char **ret_value)
{
    if (strcmp(argv[*i], name) != 0)
        return 0;
    if (*i + 1 == argc) {
        cmd_wrong_use(argv[0], "%s needs a value", name);
        return -1;
    }
    *ret_value = argv[++*i];
    return 1;
}

void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    if (!p)
        abort();
    return p;
}

char *cmd_strdup(const char *s)
{
    return strcpy(cmd_alloc(strlen(s) + 1), s);
}

char *cmd_printf(const char *fmt, ...)
{
    va_list ap;
    char *text;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        abort();
    va_end(ap);
    return text;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return CMD_WRONG_USE;
    char name[64];
    snprintf(name, sizeof(name), "goshawk trace %s", argv[1]);
    int (*run)(int, char **) = strcmp(argv[1], "view") == 0 ? cmd_trace_view : cmd_trace_timeline;
    argv[1] = name;
    return run(argc - 1, argv + 1);
}
