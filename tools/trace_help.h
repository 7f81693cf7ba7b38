/* trace_help.h - the longer help texts of "goshawk trace"; see main.c. */
#ifndef TRACE_HELP_H
#define TRACE_HELP_H

extern const char trace_help_timeline[], trace_help_stat[], trace_help_query[], trace_help_dump[],
    trace_help_expect[], trace_help_race[], trace_help_diff[], trace_help_serve[],
    trace_help_export[];

#endif
