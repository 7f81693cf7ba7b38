/* trace_file.c - see trace_file.h. */
#include "trace_file.h"
#include <stdio.h>
#include "cmd.h"

int trace_file_open_path(const char *cmd, const char *path, struct tr_reader **ret)
{
    char err[TR_ERR_MAX];
    return tr_reader_open(path, ret, err) == 0 ? CMD_OK : cmd_failed(cmd, "%s", err);
}

int trace_file_open(int argc, char **argv, struct tr_reader **ret)
{
    for (int i = 1; i < argc; i++)
        if (argv[i][0] == '-' && argv[i][1])
            return cmd_wrong_use(argv[0], "unknown option %s; %s -h shows how", argv[i], argv[0]);
    if (argc != 2)
        return cmd_wrong_use(argv[0], "%s; usage: %s FILE",
                             argc < 2 ? "which trace?" : "one trace at a time", argv[0]);
    return trace_file_open_path(argv[0], argv[1], ret);
}

void trace_file_note(const char *cmd, const struct tr_reader *r)
{
    const struct tr_info *i = tr_reader_info(r);
    char verdict[TR_ERR_MAX];
    if (i->end == TR_END_STOPPED && !i->problem)
        return;
    tr_reader_verdict(r, verdict, sizeof(verdict));
    fflush(stdout);
    fprintf(stderr, "%s: note: %s: %s\n", cmd, i->path, verdict);
}
