/* cmd_run.c - goshawk run: builds in a temporary folder and runs, like go run.
 *
 * The folder is removed on every way out, signals included: they are passed on to the child and
 * end it, not us.  Sources are compiled under the names the user gave, in the user's own folder,
 * so that reports and debuggers name them as the user does.  With -trace the program is kept for
 * those who read the trace (keep.h). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "args.h"
#include "cc.h"
#include "cmd.h"
#include "child.h"
#include "keep.h"

struct run {
    bool race;
    const char *trace, *seed;
    struct args sources; /* FILE.c..., or */
    const char *program; /* PROGRAM */
    struct args program_args;
};

static bool is_c_file(const char *s)
{
    size_t n = strlen(s);
    return n > 2 && !strcmp(s + n - 2, ".c");
}

static int read_options(int argc, char **argv, struct run *r, int *ret_next)
{
    const char *cmd = argv[0];
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--"); i++) {
        int got = 0;
        if (!strcmp(argv[i], "-race")) {
            r->race = true;
            continue;
        }
        if ((got = cmd_option(argc, argv, &i, "-trace", &r->trace)) == 0)
            got = cmd_option(argc, argv, &i, "-seed", &r->seed);
        if (got < 0)
            return CMD_WRONG_USE;
        if (got == 0)
            return cmd_wrong_use(cmd, "unknown option %s; goshawk run -h lists them", argv[i]);
    }
    *ret_next = i;
    return 0;
}

static int read_operands(int argc, char **argv, int i, struct run *r)
{
    const char *cmd = argv[0];
    for (; i < argc && strcmp(argv[i], "--"); i++) {
        const char *a = argv[i];
        if (is_c_file(a) && !r->program)
            args_add(&r->sources, a);
        else if (r->sources.n || r->program)
            return cmd_wrong_use(cmd, "%s is not a C file; the program's arguments stand behind --",
                                 a);
        else
            r->program = a;
    }
    for (i++; i < argc; i++)
        args_add(&r->program_args, argv[i]);
    if (!r->sources.n && !r->program)
        return cmd_wrong_use(cmd, "nothing to run; name C files or a program");
    return 0;
}

static int check(const char *cmd, const struct run *r)
{
    for (int i = 0; i < r->sources.n; i++)
        if (access(r->sources.v[i], R_OK) < 0)
            return cmd_wrong_use(cmd, "%s: %s", r->sources.v[i], strerror(errno));
    if (r->program && access(r->program, X_OK) < 0)
        return cmd_wrong_use(cmd, "%s: %s; name a C file or an executable", r->program,
                             strerror(errno));
    /* A program that is built already cannot be changed, but it may have the detector in it: what
     * racecheck/flags.c says of a wrong option is in no other program. */
    if (r->program && r->race && !cc_file_contains(r->program, "goshawk: GORACE: ") &&
        !cc_file_contains(r->program, "libgoshawk_race"))
        return cmd_wrong_use(cmd, "%s was built without -race; build it with goshawk cc -race",
                             r->program);
    if (r->seed) {
        char *end;
        errno = 0;
        strtoull(r->seed, &end, 0);
        if (errno || *end || end == r->seed || r->seed[0] == '-')
            return cmd_wrong_use(cmd, "-seed %s is not a number of 0 or more", r->seed);
    }
    return 0;
}

/* Variables are set here, not in the child: the compiler does not mind them. */
static void set_environment(const struct run *r)
{
    if (r->trace)
        setenv("GOSHAWK_TRACE", r->trace, 1);
    if (r->seed)
        setenv("GOSHAWK_SEED", r->seed, 1);
}

/* The program named like the first source, in folder. */
static char *program_path(const char *folder, const char *source)
{
    const char *slash = strrchr(source, '/'), *base = slash ? slash + 1 : source;
    return cmd_printf("%s/%.*s", folder, (int)strlen(base) - 2, base);
}

static int build(const char *cmd, const struct run *r, const char *program)
{
    struct args args = {0};
    if (r->race)
        args_add(&args, "-race");
    for (int i = 0; i < r->sources.n; i++)
        args_add(&args, r->sources.v[i]);
    args_add(&args, "-o");
    args_add(&args, program);
    int code = cc_run(cmd, &args);
    args_fini(&args);
    if (code == 0 && child_interrupted())
        code = 128 + child_interrupted();
    return code;
}

static int run_program(const char *cmd, const struct run *r, const char *program)
{
    struct args args = {0};
    args_add(&args, program);
    for (int i = 0; i < r->program_args.n; i++)
        args_add(&args, r->program_args.v[i]);
    set_environment(r);
    int sig = 0, code = child_run(args.v, &sig);
    args_fini(&args);
    if (code < 0)
        return cmd_failed(cmd, "cannot run %s: %s", program, strerror(-code));
    if (sig && sig != child_interrupted()) {
        const char *slash = strrchr(program, '/');
        fprintf(stderr, "%s: %s: %s\n", cmd, slash ? slash + 1 : program, strsignal(sig));
    }
    return code;
}

/* A folder to build in; *ret_keep tells whether the program is to stay. */
static char *make_folder(const struct run *r, bool *ret_keep)
{
    char *folder = r->trace ? keep_make_folder() : NULL;
    *ret_keep = folder != NULL;
    if (folder)
        return folder;
    const char *tmp = getenv("TMPDIR");
    folder = cmd_printf("%s/goshawk-run-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (mkdtemp(folder))
        return folder;
    free(folder);
    return NULL;
}

static int build_and_run(const char *cmd, const struct run *r)
{
    bool keep;
    char *folder = make_folder(r, &keep);
    if (!folder)
        return cmd_failed(cmd, "cannot make a folder to build in: %s; set TMPDIR", strerror(errno));
    char *program = program_path(folder, r->sources.v[0]);
    int code = build(cmd, r, program);
    if (code == 0 && keep) {
        char *kept = keep_program(folder, strrchr(program, '/') + 1);
        code = run_program(cmd, r, kept);
        free(kept);
    } else if (code == 0) {
        code = run_program(cmd, r, program);
    }
    unlink(program); /* a kept one is not there any more */
    rmdir(folder);
    free(program);
    free(folder);
    return code;
}

int cmd_run(int argc, char **argv)
{
    struct run r = {0};
    int next = argc, code = read_options(argc, argv, &r, &next);
    if (!code)
        code = read_operands(argc, argv, next, &r);
    if (!code)
        code = check(argv[0], &r);
    if (code)
        return code;
    child_catch_signals();
    if (!r.program)
        return build_and_run(argv[0], &r);
    char *program = strchr(r.program, '/') ? cmd_strdup(r.program) : cmd_printf("./%s", r.program);
    return run_program(argv[0], &r, program);
}
