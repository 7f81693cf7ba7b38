/* cmd.h - what the sub-commands of goshawk share.
 *
 * A sub-command is one function, int cmd_NOUN(int argc, char **argv): argv[0] is its name as the
 * user would write it ("goshawk trace view"), argv[1..argc) its arguments; it returns the exit
 * code. main.c answers -h and --help before it calls, so a sub-command never sees them first.
 *
 * Exit codes: 0 done; 1 it was tried and did not work; 2 wrong use. */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>

enum { CMD_OK = 0, CMD_FAILED = 1, CMD_WRONG_USE = 2 };

int cmd_cc(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_version(int argc, char **argv);

int cmd_trace_timeline(int argc, char **argv);
int cmd_trace_view(int argc, char **argv);
int cmd_trace_stat(int argc, char **argv);
int cmd_trace_expect(int argc, char **argv);
int cmd_trace_race(int argc, char **argv);
int cmd_trace_diff(int argc, char **argv);
int cmd_trace_serve(int argc, char **argv);
int cmd_trace_query(int argc, char **argv);
int cmd_trace_export(int argc, char **argv);
int cmd_trace_dump(int argc, char **argv);
int cmd_trace_check(int argc, char **argv);

int cmd_race_export(int argc, char **argv);

/* Print "CMD: MESSAGE" as one line on stderr and return the exit code.  The message of a wrong use
 * says what is wrong and what to do. */
int cmd_failed(const char *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cmd_wrong_use(const char *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* If argv[*i] is the option name ("-o"), stores its value, the next argument, in *ret_value and
 * steps *i to it.  Returns 1 when it was, 0 when it was not, and -1 after a message when the value
 * is missing.  "-o=VALUE" is taken too. */
int cmd_option(int argc, char **argv, int *i, const char *name, const char **ret_value);

/* Malloc that ends the command when there is no memory. */
void *cmd_alloc(unsigned long size);
char *cmd_strdup(const char *s);
char *cmd_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* to malloc memory */

#endif
