/* main.c - the goshawk command: finds the sub-command and answers every call for help.
 *
 * One table holds all of them, those of "goshawk trace" too; the first line of "help" is the
 * synopsis. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "trace_help.h"

struct command {
    const char *group, *name; /* group: NULL, or the word before the name */
    int (*run)(int argc, char **argv);
    const char *what; /* one line */
    const char *help; /* begins with the synopsis */
};

static const struct command commands[] = {
    {NULL, "cc", cmd_cc, "compile or link a program",
     "goshawk cc [-race] [compiler arguments]\n\n"
     "Runs the compiler that CC names (default gcc, else clang) with the flags a Goshawk\n"
     "program needs, and links with libgoshawk, or with the race detector's libgoshawk_race.\n"
     "  -race  instrument the code, and report data races when the program runs\n"
     "Everything else goes to the compiler as it is.  An object compiled with -race is\n"
     "linked with -race, one compiled without is linked without.  -static makes a static\n"
     "program, though not with -race; with -race gcc's -flto is without effect, since its link\n"
     "would leave out what the detector needs.\n"},
    {NULL, "run", cmd_run, "build in a temporary folder and run",
     "goshawk run [-race] [-trace FILE] [-seed N] FILE.c... | PROGRAM [-- arguments]\n\n"
     "  -race        with the race detector; GORACE in the environment has its options, among\n"
     "               them suppressions=FILE, format=json, report_thread_leaks=1,\n"
     "               report_goroutine_leaks=1: those that are blocked when the program ends (0:\n"
     "               only those that wait for locks of one another, or of who has ended, as\n"
     "               others may be meant to wait to the end), and\n"
     "               quarantine_size_mb=N (1): freed blocks that are kept to find later uses\n"
     "  -trace FILE  record a trace (GOSHAWK_TRACE)\n"
     "  -seed N      a schedule that can be repeated (GOSHAWK_SEED); with GOSHAWK_DEBUG=preempt\n"
     "               in the environment others may run first at every synchronising call\n"
     "The exit code is the program's own, or 128 + n when signal n killed it.  A program that\n"
     "was traced is kept for its symbols, 30 days in ~/.cache/goshawk/run.\n"},
    {"trace", "timeline", cmd_trace_timeline, "timeline in the terminal", trace_help_timeline},
    {"trace", "view", cmd_trace_view, "timeline as one self-contained page",
     "goshawk trace view [--from T] [--to T] [--all] FILE [-o OUT.html]\n\n"
     "Writes a page that opens from the disk, without a network (default: FILE with .html).\n"
     "  --from, --to   a window of time that a page of a long trace keeps in full\n"
     "  --all          keep every state of a long trace; the page may be slow\n"
     "Press ? in it for its keys.\n"},
    {"trace", "serve", cmd_trace_serve, "the page of a huge trace, window by window",
     trace_help_serve},
    {"trace", "stat", cmd_trace_stat, "tables: goroutines, latencies, blocking, processors",
     trace_help_stat},
    {"trace", "query", cmd_trace_query, "find spans; the query language", trace_help_query},
    {"trace", "export", cmd_trace_export, "the trace in another tool's format", trace_help_export},
    {"trace", "diff", cmd_trace_diff, "what changed between two runs", trace_help_diff},
    {"trace", "race", cmd_trace_race, "the story of a data race", trace_help_race},
    {"trace", "expect", cmd_trace_expect, "assertions on a schedule, for tests", trace_help_expect},
    {"trace", "dump", cmd_trace_dump, "one event a line", trace_help_dump},
    {"trace", "check", cmd_trace_check, "prove the trace's state machines",
     "goshawk trace check FILE\n\n"
     "Exits with 0, or with 1 after the first violation.\n"},
    {"race", "export", cmd_race_export, "the race detector's reports for CI",
     "goshawk race export -f FORMAT LOG... -o OUT\n\n"
     "  -f sarif  SARIF 2.1.0\n"
     "  -f json   one report a line, each a JSON object\n"
     "A LOG is what a program wrote under GORACE=log_path=, as text or with format=json, or its\n"
     "stderr.  A race that occurs again is one report, with a count.  LOG and OUT may be -.\n"},
    {NULL, "doctor", cmd_doctor, "what this machine and build can do, and what is missing",
     "goshawk doctor\n\n"
     "Exits with 1 when something is missing without which programs cannot be built and run.\n"},
    {NULL, "version", cmd_version, "the version", "goshawk version\n"},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* ---- what the sub-commands share ---- */

static int say(int code, const char *cmd, const char *fmt, va_list ap)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", cmd);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    return code;
}

int cmd_failed(const char *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int code = say(CMD_FAILED, cmd, fmt, ap);
    va_end(ap);
    return code;
}

int cmd_wrong_use(const char *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int code = say(CMD_WRONG_USE, cmd, fmt, ap);
    va_end(ap);
    return code;
}

int cmd_option(int argc, char **argv, int *i, const char *name, const char **ret_value)
{
    size_t n = strlen(name);
    const char *a = argv[*i];
    if (strncmp(a, name, n) || (a[n] && a[n] != '='))
        return 0;
    const char *value = a[n] ? a + n + 1 : *i + 1 < argc ? argv[*i + 1] : "";
    if (!*value) {
        cmd_wrong_use(argv[0], "%s needs a value; %s -h shows how", name, argv[0]);
        return -1;
    }
    if (!a[n])
        ++*i;
    *ret_value = value;
    return 1;
}

static _Noreturn void no_memory(void)
{
    fputs("goshawk: out of memory\n", stderr);
    exit(CMD_FAILED);
}

void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    if (!p)
        no_memory();
    return p;
}

char *cmd_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(cmd_alloc(n), s, n);
}

char *cmd_printf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        no_memory();
    va_end(ap);
    return s;
}

/* ---- help ---- */

static int print_overview(FILE *f)
{
    fputs("Goshawk: goroutines for C, with a race detector and a scheduling tracer.\n\nusage:\n",
          f);
    for (int i = 0; i < COMMANDS; i++) {
        const struct command *c = &commands[i];
        int n =
            fprintf(f, "  goshawk %s%s%s", c->group ? c->group : "", c->group ? " " : "", c->name);
        fprintf(f, "%*s%s\n", n < 27 ? 27 - n : 1, "", c->what);
    }
    fputs("\ngoshawk help [command] says more.\n", f);
    return CMD_OK;
}

static int print_group(const char *group)
{
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].group && !strcmp(commands[i].group, group))
            printf("usage: %.*s\n         %s\n", (int)strcspn(commands[i].help, "\n"),
                   commands[i].help, commands[i].what);
    return CMD_OK;
}

static int print_help(const struct command *c)
{
    printf("usage: %s", c->help);
    if (!strstr(c->help, "\n\n"))
        printf("\n%c%s.\n", c->what[0] - 'a' + 'A', c->what + 1);
    return CMD_OK;
}

/* ---- dispatch ---- */

static bool asks_for_help(const char *arg)
{
    return arg && (!strcmp(arg, "-h") || !strcmp(arg, "--help") || !strcmp(arg, "-help"));
}

static bool is_group(const char *word)
{
    for (int i = 0; i < COMMANDS; i++)
        if (commands[i].group && !strcmp(commands[i].group, word))
            return true;
    return false;
}

/* The command that the first words name; *ret_words is how many words that took. */
static const struct command *find(int argc, char **argv, int *ret_words)
{
    for (int i = 0; i < COMMANDS; i++) {
        const struct command *c = &commands[i];
        int words = c->group ? 2 : 1;
        if (argc < words || (c->group && strcmp(c->group, argv[0])) ||
            strcmp(c->name, argv[words - 1]))
            continue;
        *ret_words = words;
        return c;
    }
    return NULL;
}

static int not_found(int argc, char **argv)
{
    if (is_group(argv[0]) && argc > 1)
        return cmd_wrong_use("goshawk", "there is no command %s %s; goshawk help %s lists them",
                             argv[0], argv[1], argv[0]);
    if (is_group(argv[0]))
        return cmd_wrong_use("goshawk", "%s needs a command; goshawk help %s lists them", argv[0],
                             argv[0]);
    return cmd_wrong_use("goshawk", "there is no command %s; goshawk help lists them", argv[0]);
}

static int help(int argc, char **argv)
{
    int words;
    if (argc == 0)
        return print_overview(stdout);
    const struct command *c = find(argc, argv, &words);
    if (c)
        return print_help(c);
    if (argc == 1 && is_group(argv[0]))
        return print_group(argv[0]);
    return not_found(argc, argv);
}

static int dispatch(int argc, char **argv)
{
    if (argc == 0)
        return cmd_wrong_use("goshawk", "no command given; goshawk help lists them");
    if (!strcmp(argv[0], "help"))
        return help(argc - 1, argv + 1);
    if (asks_for_help(argv[0]))
        return help(0, argv);
    if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "-version"))
        argv[0] = "version";

    int words;
    const struct command *c = find(argc, argv, &words);
    if (!c && argc == 2 && is_group(argv[0]) && asks_for_help(argv[1]))
        return print_group(argv[0]);
    if (!c)
        return not_found(argc, argv);
    if (argc > words && asks_for_help(argv[words]))
        return print_help(c);

    argv[words - 1] =
        cmd_printf("goshawk %s%s%s", c->group ? c->group : "", c->group ? " " : "", c->name);
    return c->run(argc - words + 1, argv + words - 1);
}

int main(int argc, char **argv)
{
    int code = dispatch(argc - 1, argv + 1);
    if (fflush(stdout) || ferror(stdout)) {
        cmd_failed("goshawk", "cannot write the output: %s", strerror(errno));
        if (code == CMD_OK)
            code = CMD_FAILED;
    }
    return code;
}
