/* main_double.h - what main.c of the goshawk command gives its other files, for their tests. */
#ifndef TEST_MAIN_DOUBLE_H
#define TEST_MAIN_DOUBLE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    return p ? p : (abort(), p);
}

char *cmd_strdup(const char *s)
{
    return strdup(s);
}

char *cmd_printf(const char *fmt, ...)
{
    char *s;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        abort();
    va_end(ap);
    return s;
}

#endif
