/* child.h - children of the command: started, waited for, and interrupted with us. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>

/* From now on SIGINT, SIGQUIT, SIGTERM and SIGHUP do not end this process: they are passed on to
 * the child that runs (unless the terminal has sent them to it already), and child_interrupted()
 * tells which one came.  So the caller always gets to clean up. */
void child_catch_signals(void);
int child_interrupted(void); /* 0, or the signal's number */

/* Runs argv[0], found as by execvp, with our standard streams, and waits for it.  The child dies
 * with us.  Returns its exit code, 128 + n when signal n killed it (n then also in *ret_signal
 * unless that is NULL), or -errno when it could not be started. */
int child_run(char *const argv[], int *ret_signal);

/* Runs argv with the first line that it writes to stdout stored in line, without the newline, and
 * stderr thrown away.  Returns as child_run does. */
int child_first_line(char *const argv[], char *line, int cap);

#endif
