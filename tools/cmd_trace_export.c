/* cmd_trace_export.c - goshawk trace export -f FORMAT [options] FILE -o OUT: the trace, or a part
 * of it, for another tool.
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
#include "export_filter.h"
#include "trace_args.h"
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

/* One export: of what, and what of it. */
struct job {
    const struct trace_export *format;
    const struct trace_args *args;
    struct tr_reader *r;
};

static void hand_span(void *arg, const struct tr_span *s)
{
    export_filter_span(arg, s);
}

/* All that the filter leaves.  Returns 0 or an errno. */
static int pump(const struct job *j, struct out *out, const char *folder)
{
    struct export_filter f;
    export_filter_begin(&f, j->format, j->args, j->r);
    errno = 0;
    f.state = j->format->begin(j->r, out, folder);
    if (!f.state) {
        export_filter_fini(&f);
        return errno ? errno : EIO;
    }
    struct tr_spans *spans = j->format->span ? tr_spans_make(j->r, hand_span, &f) : NULL;
    struct tr_event e;
    while (!out->failed && tr_reader_next(j->r, &e) && !export_filter_is_done(&f, e.time)) {
        export_filter_event(&f, &e);
        if (spans)
            tr_spans_feed(spans, &e);
    }
    if (spans)
        tr_spans_finish(spans);
    tr_spans_free(spans);
    j->format->end(f.state, j->args->from, export_filter_end_ns(&f));
    export_filter_fini(&f);
    return out_flush(out) ? 0 : errno ? errno : EIO;
}

/* The same to a file of that name, which is removed again when that fails. */
static int pump_to(const struct job *j, const char *path, const char *folder)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return errno;
    struct out *out = cmd_alloc(sizeof(*out));
    out_init(out, file);
    int err = pump(j, out, folder);
    if (fclose(file) != 0 && !err)
        err = errno;
    if (err)
        (void)unlink(path);
    free(out);
    return err;
}

static int write_file(const struct job *j, const char *out)
{
    char *part = cmd_printf("%s.%d.part", out, (int)getpid());
    int err = pump_to(j, part, NULL);
    if (!err && rename(part, out) != 0) {
        err = errno;
        (void)unlink(part);
    }
    free(part);
    return err;
}

static int write_folder(const struct job *j, const char *out)
{
    char *part = cmd_printf("%s.%d.part", out, (int)getpid()),
         *stream = cmd_printf("%s/stream", part), *metadata = cmd_printf("%s/metadata", part);
    int err = mkdir(part, 0777) == 0 ? 0 : errno;
    if (!err) {
        err = pump_to(j, stream, part);
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

static int write_stdout(const struct job *j)
{
    struct out *out = cmd_alloc(sizeof(*out));
    out_init(out, stdout);
    int err = pump(j, out, NULL);
    if (fflush(stdout) != 0 && !err)
        err = errno;
    free(out);
    return err;
}

/* ---- the command ---- */

static int write_to(const char *cmd, const struct job *j, const char *out)
{
    bool to_stdout = strcmp(out, "-") == 0;
    int err = to_stdout           ? write_stdout(j)
              : j->format->folder ? write_folder(j, out)
                                  : write_file(j, out);
    trace_file_note(cmd, j->r);
    if (!err)
        return CMD_OK;
    return to_stdout ? cmd_failed(cmd, "cannot write the output")
                     : cmd_failed(cmd, "%s: cannot be written: %s", out, strerror(err));
}

static int export(const char *cmd, const struct trace_export *f, const struct trace_args *a,
                  const char *out)
{
    struct job job = {f, a, NULL};
    struct stat st;
    bool to_stdout = strcmp(out, "-") == 0;
    if (f->folder && to_stdout)
        return cmd_wrong_use(cmd, "-f %s makes a folder: -o names it", f->name);
    if (!to_stdout && stat(out, &st) == 0 && (f->folder || !S_ISREG(st.st_mode)))
        return cmd_failed(cmd,
                          f->folder ? "%s: is there already; -f %s makes a folder"
                                    : "%s: not a regular file",
                          out, f->name);
    int code = trace_file_open_path(cmd, a->word[0], &job.r);
    if (code != CMD_OK)
        return code;
    int64_t end = tr_reader_info(job.r)->end_ns;
    code = a->from > 0 && a->from >= end
               ? cmd_failed(cmd, "--from lies behind the end of %s (%.9g s)", a->word[0],
                            (double)end / 1e9)
               : write_to(cmd, &job, out);
    tr_reader_close(job.r);
    return code;
}

static int command(const char *cmd, const struct trace_args *a, const char *format, const char *out)
{
    if (a->words > 1)
        return cmd_wrong_use(cmd, "one trace at a time: %s and %s were given", a->word[0],
                             a->word[1]);
    if (!format || !a->words || !out)
        return cmd_wrong_use(cmd, "%s; usage: %s -f FORMAT FILE -o OUT",
                             !format     ? "which format?"
                             : !a->words ? "which trace?"
                                         : "where to?",
                             cmd);
    if (a->from >= a->to)
        return cmd_wrong_use(cmd, "the window is empty: --from must be before --to");
    const struct trace_export *f = find_format(format);
    return f ? export(cmd, f, a, out) : unknown_format(cmd, format);
}

int cmd_trace_export(int argc, char **argv)
{
    const char *format = NULL, *out = NULL;
    const struct trace_option more[] = {{"-f", &format, NULL}, {"-o", &out, NULL}, {0}};
    struct trace_args a;
    int code = trace_args_read(argc, argv, &a, "fq", more);
    if (code == CMD_OK)
        code = command(argv[0], &a, format, out);
    trace_args_fini(&a);
    return code;
}
