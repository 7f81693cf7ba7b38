/* trace_file.h - opening the FILE of a "goshawk trace" command. */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include "reader.h"

/* Opens the trace that the command's only argument names.  Returns CMD_OK, or the exit code
 * after one line on stderr. */
int trace_file_open(int argc, char **argv, struct tr_reader **ret);

/* Opens path.  Likewise. */
int trace_file_open_path(const char *cmd, const char *path, struct tr_reader **ret);

/* If the recording did not end in an ordinary way, says so on stderr: "CMD: note: FILE: ..." */
void trace_file_note(const char *cmd, const struct tr_reader *r);

#endif
