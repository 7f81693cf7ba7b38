/* cmd_trace_export.c - goshawk trace export -f FORMAT FILE -o OUT: the trace for another tool.
 *
 * OUT is written beside its place and renamed into it when it is whole, so that a failure
 * leaves what was there.  "-o -" writes to the standard output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"
#include "trace_export.h"
#include "trace_file.h"

static const struct format {
    const char *name;
    void (*write)(struct tr_reader *r, FILE *out);
} formats[] = {
    {"go", trace_export_go},
    {"csv", trace_export_csv},
    {"json", trace_export_json},
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static int unknown_format(const char *cmd, const char *name)
{
    char *list = cmd_strdup(formats[0].name);
    for (size_t i = 1; i < FORMATS; i++) {
        char *longer = cmd_printf("%s, %s", list, formats[i].name);
        free(list);
        list = longer;
    }
    int code = cmd_wrong_use(cmd, "no format %s; there is %s", name, list);
    free(list);
    return code;
}

static int write_out(const char *cmd, const struct format *f, struct tr_reader *r, const char *out)
{
    char *part = cmd_printf("%s.%d.part", out, (int)getpid());
    FILE *file = fopen(part, "wb");
    int err = file ? 0 : errno;
    if (file) {
        f->write(r, file);
        err = ferror(file) ? EIO : 0;
        if (fclose(file) != 0 || err)
            err = errno ? errno : EIO;
        if (!err && rename(part, out) != 0)
            err = errno;
        if (err)
            (void)unlink(part);
    }
    free(part);
    return err ? cmd_failed(cmd, "%s: cannot be written: %s", out, strerror(err)) : CMD_OK;
}

static int export(const char *cmd, const struct format *f, const char *in, const char *out)
{
    struct tr_reader *r;
    struct stat st;
    if (strcmp(out, "-") != 0 && stat(out, &st) == 0 && !S_ISREG(st.st_mode))
        return cmd_failed(cmd, "%s: not a regular file", out);
    int code = trace_file_open_path(cmd, in, &r);
    if (code != CMD_OK)
        return code;
    if (strcmp(out, "-") != 0) {
        code = write_out(cmd, f, r, out);
    } else {
        f->write(r, stdout);
        if (fflush(stdout) != 0 || ferror(stdout))
            code = cmd_failed(cmd, "cannot write the output");
    }
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
    const struct format *f = find_format(format);
    return f ? export(argv[0], f, in, out) : unknown_format(argv[0], format);
}
