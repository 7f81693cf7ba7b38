/* cmd_trace_export.c - goshawk trace export -f FORMAT FILE -o OUT: the trace for another tool.
 *
 * OUT is written beside its place and renamed into it when it is whole, so that a failure leaves
 * what was there.  "-o -" writes to the standard output.  A format that makes several files makes a
 * folder of them, which must not be there yet. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"
#include "trace_export.h"
#include "trace_file.h"

static const struct trace_export *const formats[] = {
    &trace_export_go,         &trace_export_perfetto,      &trace_export_chrome,
    &trace_export_ctf,        &trace_export_pprof_sched,   &trace_export_pprof_block,
    &trace_export_pprof_sync, &trace_export_pprof_syscall, &trace_export_folded,
    &trace_export_csv,        &trace_export_json,
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const struct trace_export *find_format(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

static int unknown_format(const char *cmd, const char *name)
{
    char *list = cmd_strdup(formats[0]->name);
    for (size_t i = 1; i < FORMATS; i++) {
        char *longer = cmd_printf("%s, %s", list, formats[i]->name);
        free(list);
        list = longer;
    }
    int code = cmd_wrong_use(cmd, "no format %s; there is %s", name, list);
    free(list);
    return code;
}

/* ---- the trace through a writer ---- */

struct job {
    const struct trace_export *format;
    void *state;
};

static void hand_span(void *arg, const struct tr_span *s)
{
    const struct job *j = arg;
    j->format->span(j->state, s);
}

/* All of the trace.  Returns 0 or an errno. */
static int pump(const struct trace_export *f, struct tr_reader *r, struct out *out,
                const char *folder)
{
    errno = 0;
    struct job job = {f, f->begin(r, out, folder)};
    if (!job.state)
        return errno ? errno : EIO;
    struct tr_spans *spans = f->span ? tr_spans_make(r, hand_span, &job) : NULL;
    struct tr_event e;
    while (!out->failed && tr_reader_next(r, &e)) {
        if (f->event)
            f->event(job.state, &e);
        if (spans)
            tr_spans_feed(spans, &e);
    }
    if (spans)
        tr_spans_finish(spans);
    tr_spans_free(spans);
    f->end(job.state);
    return out_flush(out) ? 0 : errno ? errno : EIO;
}

/* The same to a file of that name, which is removed again when that fails. */
static int pump_to(const struct trace_export *f, struct tr_reader *r, const char *path,
                   const char *folder)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return errno;
    struct out *out = cmd_alloc(sizeof(*out));
    out_init(out, file);
    int err = pump(f, r, out, folder);
    if (fclose(file) != 0 && !err)
        err = errno;
    if (err)
        (void)unlink(path);
    free(out);
    return err;
}

static int write_file(const struct trace_export *f, struct tr_reader *r, const char *out)
{
    char *part = cmd_printf("%s.%d.part", out, (int)getpid());
    int err = pump_to(f, r, part, NULL);
    if (!err && rename(part, out) != 0) {
        err = errno;
        (void)unlink(part);
    }
    free(part);
    return err;
}

static int write_folder(const struct trace_export *f, struct tr_reader *r, const char *out)
{
    char *part = cmd_printf("%s.%d.part", out, (int)getpid()),
         *stream = cmd_printf("%s/stream", part), *metadata = cmd_printf("%s/metadata", part);
    int err = mkdir(part, 0777) == 0 ? 0 : errno;
    if (!err) {
        err = pump_to(f, r, stream, part);
        if (!err && rename(part, out) != 0)
            err = errno;
        if (err) {
            (void)unlink(stream);
            (void)unlink(metadata);
            (void)rmdir(part);
        }
    }
    free(part);
    free(stream);
    free(metadata);
    return err;
}

static int write_stdout(const struct trace_export *f, struct tr_reader *r)
{
    struct out *out = cmd_alloc(sizeof(*out));
    out_init(out, stdout);
    int err = pump(f, r, out, NULL);
    if (fflush(stdout) != 0 && !err)
        err = errno;
    free(out);
    return err;
}

/* ---- the command ---- */

static int export(const char *cmd, const struct trace_export *f, const char *in, const char *out)
{
    struct tr_reader *r;
    struct stat st;
    bool to_stdout = strcmp(out, "-") == 0;
    if (f->folder && to_stdout)
        return cmd_wrong_use(cmd, "-f %s makes a folder: -o names it", f->name);
    if (!to_stdout && stat(out, &st) == 0 && (f->folder || !S_ISREG(st.st_mode)))
        return cmd_failed(cmd,
                          f->folder ? "%s: is there already; -f %s makes a folder"
                                    : "%s: not a regular file",
                          out, f->name);
    int code = trace_file_open_path(cmd, in, &r);
    if (code != CMD_OK)
        return code;
    int err = to_stdout   ? write_stdout(f, r)
              : f->folder ? write_folder(f, r, out)
                          : write_file(f, r, out);
    if (err && to_stdout)
        code = cmd_failed(cmd, "cannot write the output");
    else if (err)
        code = cmd_failed(cmd, "%s: cannot be written: %s", out, strerror(err));
    trace_file_note(cmd, r);
    tr_reader_close(r);
    return code;
}

int cmd_trace_export(int argc, char **argv)
{
    const char *format = NULL, *out = NULL, *in = NULL;
    for (int i = 1; i < argc; i++) {
        int took = cmd_option(argc, argv, &i, "-f", &format);
        if (took == 0)
            took = cmd_option(argc, argv, &i, "-o", &out);
        if (took < 0)
            return CMD_WRONG_USE;
        if (took > 0)
            continue;
        if (argv[i][0] == '-')
            return cmd_wrong_use(argv[0], "unknown option %s; %s -h shows how", argv[i], argv[0]);
        if (in)
            return cmd_wrong_use(argv[0], "one trace at a time; usage: %s -f FORMAT FILE -o OUT",
                                 argv[0]);
        in = argv[i];
    }
    if (!format || !in || !out)
        return cmd_wrong_use(argv[0], "%s; usage: %s -f FORMAT FILE -o OUT",
                             !format ? "which format?"
                             : !in   ? "which trace?"
                                     : "where to?",
                             argv[0]);
    const struct trace_export *f = find_format(format);
    return f ? export(argv[0], f, in, out) : unknown_format(argv[0], format);
}
