/* trace.c - goshawk/trace.h: recordings begun and ended by the program itself. */
#include <goshawk/trace.h>
#include "hook.h"

int go_trace_start(const char *path)
{
    return tr_start(path);
}

void go_trace_stop(void)
{
    tr_stop();
}
