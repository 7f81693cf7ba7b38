/* cmd_trace_expect.c - goshawk trace expect FILE 'EXPECTATION'...: assertions on a schedule.
 *
 * Exit 0 when all hold; 1 with a line for each that does not, and a picture of the moment: the
 * timeline of those it is about, or of all; 2 for an expectation that is none.  What they mean is
 * expect.h's; the picture is drawn by the command timeline. */
#include <stdio.h>
#include "cmd.h"
#include "expect.h"
#include "picture.h"
#include "trace_args.h"
#include "trace_file.h"

struct options {
    struct trace_args args;
    const char *width, *colour;
    bool no_picture;
};

static int expectation(const char *cmd, const struct options *o, struct tr_reader *r,
                       const char *text)
{
    struct tr_expect e;
    struct tr_query_error err;
    struct tr_expect_result x;
    if (!tr_expect_make(text, &e, &err))
        return cmd_wrong_use(cmd, "the expectation, column %u: %s", err.column, err.message);
    int failed = tr_expect_ask(r, &e, &x);
    tr_expect_fini(&e);
    if (failed)
        return cmd_failed(cmd, "out of memory");
    if (x.holds) {
        printf("holds%s: %s\n", x.nothing ? ", for nothing in this trace is meant" : "", text);
        return CMD_OK;
    }
    cmd_failed(cmd, "%s: not so: %s: %s", o->args.word[0], text, x.message);
    if (!o->no_picture && (x.from || x.to))
        picture_of(&(struct picture){.file = o->args.word[0],
                                     .info = tr_reader_info(r),
                                     .from = x.from,
                                     .to = x.to,
                                     .g = {x.g[0], x.g[1]},
                                     .width = o->width,
                                     .colour = o->colour});
    return CMD_FAILED;
}

static int parse(int argc, char **argv, struct options *o)
{
    const struct trace_option more[] = {{"--width", &o->width, NULL},
                                        {"--color", &o->colour, NULL},
                                        {"--no-picture", NULL, &o->no_picture},
                                        {0}};
    int code = trace_args_read(argc, argv, &o->args, "", more);
    if (code == CMD_OK && o->args.words < 2)
        code = cmd_wrong_use(argv[0], "%s; usage: %s FILE 'EXPECTATION'",
                             o->args.words ? "what is expected?" : "which trace?", argv[0]);
    for (int i = 1; code == CMD_OK && i < o->args.words; i++) {
        struct tr_expect e;
        struct tr_query_error err;
        if (tr_expect_make(o->args.word[i], &e, &err))
            tr_expect_fini(&e);
        else
            code =
                cmd_wrong_use(argv[0], "the expectation, column %u: %s", err.column, err.message);
    }
    return code;
}

int cmd_trace_expect(int argc, char **argv)
{
    struct options o = {0};
    struct tr_reader *r;
    int code = parse(argc, argv, &o);
    if (code == CMD_OK)
        code = trace_file_open_path(argv[0], o.args.word[0], &r);
    if (code == CMD_OK) {
        for (int i = 1; i < o.args.words; i++) {
            int this = expectation(argv[0], &o, r, o.args.word[i]);
            code = this > code ? this : code;
        }
        trace_file_note(argv[0], r);
        tr_reader_close(r);
    }
    trace_args_fini(&o.args);
    return code;
}
