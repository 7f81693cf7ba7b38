/* cmd_trace_check.c - goshawk trace check FILE: proves the state machines of a trace.
 *
 * Every event must be one that the states of its goroutine, processor and thread allow.  Exit 0
 * when that holds for all that can be read, also of a file that was cut or whose program was
 * killed; exit 1 with the first violation, or with the damage. */
#include <stdio.h>
#include "cmd.h"
#include "progress.h"
#include "trace_file.h"

static int violation(const char *cmd, const struct tr_reader *r, const struct tr_event *e)
{
    return cmd_failed(cmd, "%s: event %llu at offset %llu, %.9f s: %s", tr_reader_info(r)->path,
                      (unsigned long long)e->n, (unsigned long long)e->offset,
                      (double)e->time / 1e9, e->wrong);
}

int cmd_trace_check(int argc, char **argv)
{
    struct tr_reader *r;
    int code = trace_file_open(argc, argv, &r);
    if (code != CMD_OK)
        return code;
    struct tr_event e;
    uint64_t events = 0, goroutines = 0;
    struct progress p;
    progress_begin(&p, r, "checking");
    while (tr_reader_next(r, &e)) {
        progress_tick(&p, e.time);
        events++;
        goroutines += e.type == TR_EV_GO_CREATE || e.type == TR_EV_GO_STATE;
        if (!e.wrong)
            continue;
        progress_end(&p);
        code = violation(argv[0], r, &e);
        break;
    }
    progress_end(&p);
    const struct tr_info *info = tr_reader_info(r);
    char verdict[TR_ERR_MAX];
    tr_reader_verdict(r, verdict, sizeof(verdict));
    if (code == CMD_OK && info->damaged)
        code = cmd_failed(argv[0], "%s: %s", info->path, verdict);
    if (code == CMD_OK)
        printf(
            "%s: consistent: %llu events of %llu goroutines on %llu threads, %llu reordered; %s\n",
            info->path, (unsigned long long)events, (unsigned long long)goroutines,
            (unsigned long long)info->streams, (unsigned long long)info->repaired, verdict);
    tr_reader_close(r);
    return code;
}
