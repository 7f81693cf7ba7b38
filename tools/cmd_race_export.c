/* cmd_race_export.c - goshawk race export -f sarif|json LOG... -o OUT: reports of the race detector
 * for CI.
 *
 * Logs of several runs are put together; a race that occurs again is one report with a count.  OUT
 * is written beside its place and renamed into it when it is whole; "-o -" is the standard
 * output. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "args.h"
#include "cmd.h"
#include "race_log.h"
#include "race_sarif.h"

static void write_lines(const struct json *reports, const char *root, FILE *out)
{
    (void)root;
    json_each(r, reports) {
        json_write(r, out, -1);
        fputc('\n', out);
    }
}

static const struct format {
    const char *name;
    void (*write)(const struct json *reports, const char *root, FILE *out);
} formats[] = {{"sarif", race_sarif_write}, {"json", write_lines}};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

/* The whole file, or the standard input for "-"; NULL with errno set. */
static char *read_all(const char *path, size_t *ret_n)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    size_t cap = 1 << 16, n = 0, k;
    if (!f)
        return NULL;
    char *buf = cmd_alloc(cap);
    while ((k = fread(buf + n, 1, cap - n, f)) > 0) {
        n += k;
        if (n == cap) {
            char *more = cmd_alloc(cap * 2);
            memcpy(more, buf, n);
            free(buf);
            buf = more;
            cap *= 2;
        }
    }
    int err = ferror(f) ? errno : 0;
    if (f != stdin)
        fclose(f);
    *ret_n = n;
    if (err) {
        free(buf);
        buf = NULL;
        errno = err;
    }
    return buf;
}

static int read_log(const char *cmd, const char *path, struct json *reports)
{
    size_t n;
    int line;
    char *text = read_all(path, &n);
    if (!text)
        return cmd_failed(cmd, "%s: cannot be read: %s", path, strerror(errno));
    const char *error = race_log_read(text, n, reports, &line);
    free(text);
    return error ? cmd_failed(cmd, "%s:%d: %s", path, line, error) : CMD_OK;
}

static int write_out(const char *cmd, const struct format *f, const struct json *reports,
                     const char *out)
{
    char root[PATH_MAX];
    struct stat st;
    if (!getcwd(root, sizeof root))
        strcpy(root, "/");
    if (strcmp(out, "-") == 0) {
        f->write(reports, root, stdout);
        return fflush(stdout) != 0 ? cmd_failed(cmd, "cannot write the output") : CMD_OK;
    }
    if (stat(out, &st) == 0 && !S_ISREG(st.st_mode))
        return cmd_failed(cmd, "%s: not a regular file", out);
    char *part = cmd_printf("%s.%d.part", out, (int)getpid());
    FILE *file = fopen(part, "wb");
    int err = file ? 0 : errno;
    if (file) {
        f->write(reports, root, file);
        err = ferror(file) ? EIO : 0;
        if (fclose(file) != 0 && !err)
            err = errno;
        if (!err && rename(part, out) != 0)
            err = errno;
        if (err)
            (void)unlink(part);
    }
    free(part);
    return err ? cmd_failed(cmd, "%s: cannot be written: %s", out, strerror(err)) : CMD_OK;
}

static int export(const char *cmd, const struct format *f, const struct args *logs, const char *out)
{
    struct json *reports = json_array(NULL, NULL);
    int code = CMD_OK;
    for (int i = 0; i < logs->n && code == CMD_OK; i++)
        code = read_log(cmd, logs->v[i], reports);
    if (code == CMD_OK)
        code = write_out(cmd, f, reports, out);
    json_free(reports);
    return code;
}

int cmd_race_export(int argc, char **argv)
{
    static const char usage[] = "-f sarif|json LOG... -o OUT";
    const char *format = NULL, *out = NULL;
    struct args logs = {0};
    int code = CMD_OK;
    for (int i = 1; i < argc && code == CMD_OK; i++) {
        int took = cmd_option(argc, argv, &i, "-f", &format);
        if (took == 0)
            took = cmd_option(argc, argv, &i, "-o", &out);
        if (took < 0)
            code = CMD_WRONG_USE;
        else if (took == 0 && argv[i][0] == '-' && argv[i][1])
            code = cmd_wrong_use(argv[0], "unknown option %s; %s -h shows how", argv[i], argv[0]);
        else if (took == 0)
            args_add(&logs, argv[i]);
    }
    if (code == CMD_OK && (!format || !out || logs.n == 0))
        code = cmd_wrong_use(argv[0], "%s; usage: %s %s",
                             !format       ? "which format?"
                             : logs.n == 0 ? "which log?"
                                           : "where to?",
                             argv[0], usage);
    const struct format *f = code == CMD_OK ? find_format(format) : NULL;
    if (code == CMD_OK && !f)
        code = cmd_wrong_use(argv[0], "no format %s; there is sarif, json", format);
    if (code == CMD_OK)
        code = export(argv[0], f, &logs, out);
    args_fini(&logs);
    return code;
}
