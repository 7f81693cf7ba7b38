/* mutants.c - weakened operations, and the command; see explore.h.
 *
 * Each model is explored in a process of its own, and then once more for each operation that it
 * came by, with that one weakened. */
#include "state.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- mutants ---- */

/* What is weaker at s, or NULL. */
static const char *weaker(const struct ex_site *s)
{
    if (strstr(s->op, "fence") || strstr(s->op, "membarrier"))
        return "gone";
    if (!strcmp(s->op, "store_rel"))
        return "relaxed";
    return strncmp(s->op, "store", 5) ? "not atomic" : NULL;
}

static bool is_listed(const char *const *list, const struct ex_site *s)
{
    char name[128];
    snprintf(name, sizeof name, "%s %s", s->function, s->op);
    for (; list && *list; list++)
        if (!strcmp(*list, name))
            return true;
    return false;
}

enum { SITES_MAX = 256, MUTANT_STATES = 100000, MODELS_MAX = 32 };

/* What the process that explores tells its parent. */
static struct report {
    uint64_t states, transitions, ends;
    bool limited;
    struct ex_site *sites[SITES_MAX];
} report;

/* The models that hold, for the mutants. */
static struct {
    const struct ex_model *model;
    struct report report;
} ran[MODELS_MAX];
static size_t n_ran;

/* Explores m in a process of its own; what that writes to fd is in text afterwards. */
static bool explore_apart(const struct ex_model *m, struct ex_site *mutated, void (*tell)(int fd),
                          char *text, size_t size)
{
    int fd[2], status;
    size_t len = 0;
    if (pipe(fd))
        abort();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(fd[0]);
        if (mutated) {
            mutated->mutated = true;
            ex_states_limit = 20 * report.states + MUTANT_STATES; /* one may have no end of them */
            dup2(fd[1], 2);
        }
        ex_shows_path = !mutated;
        ex_sites = NULL;
        ex_explore(m);
        tell(fd[1]);
        _exit(0);
    }
    close(fd[1]);
    for (ssize_t n; len < size && (n = read(fd[0], text + len, size - len)) > 0;)
        len += (size_t)n;
    memset(text + len, 0, size - len);
    close(fd[0]);
    waitpid(pid, &status, 0);
    return status == 0;
}

static void tell_nothing(int fd)
{
    (void)fd;
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

/* The first of the models that finds the mutant s, or NULL; text is what it says. */
static const struct ex_model *finder(struct ex_site *s, char *text, size_t size)
{
    for (size_t i = 0; i < n_ran; i++) {
        bool visited = false;
        report = ran[i].report;
        for (int k = 0; k < SITES_MAX && report.sites[k]; k++)
            visited = visited || report.sites[k] == s;
        if (visited && !explore_apart(ran[i].model, s, tell_nothing, text, size - 1)) {
            text[size - 1] = 0;
            text[strcspn(text, "\n")] = 0;
            return ran[i].model;
        }
    }
    return NULL;
}

/* Weakens every operation that some model came by.  Counts the mutants that no model finds though
 * they should be, or the other way round. */
static int try_mutants(const char *const *survivors)
{
    int wrong = 0, n = 0;
    ex_sites = NULL;
    for (size_t i = 0; i < n_ran; i++)
        for (int k = 0; k < SITES_MAX && ran[i].report.sites[k]; k++)
            ex_note_site(ran[i].report.sites[k]);
    for (struct ex_site *s = ex_sites; s; s = s->next) {
        char text[128];
        if (!weaker(s) || !strcmp(base_name(s->file), "world.h"))
            continue;
        const struct ex_model *by = finder(s, text, sizeof text);
        bool is_wrong = (by != NULL) == is_listed(survivors, s);
        printf("#   %s%s:%d %s %s %s: %s%s%s\n", is_wrong ? "WRONG " : "", base_name(s->file),
               s->line, s->function, s->op, weaker(s), by ? by->name : "not found", by ? ": " : "",
               by ? text : "");
        fflush(stdout);
        wrong += is_wrong;
        n++;
    }
    printf("#   %d mutants, %d not as expected\n", n, wrong);
    return wrong;
}

/* ---- the command ---- */

static void tell_report(int fd)
{
    int n = 0;
    report = (struct report){ex_n_states, ex_n_transitions, ex_n_ends, ex_limited, {0}};
    for (struct ex_site *s = ex_sites; s && n < SITES_MAX; s = s->next)
        report.sites[n++] = s;
    if (write(fd, &report, sizeof report) != sizeof report)
        abort();
}

static bool run_model(const struct ex_model *m)
{
    static const char *const memory[] = {"SC", "TSO", "PSO"};
    double start = ex_seconds();
    bool holds = explore_apart(m, NULL, tell_report, (char *)&report, sizeof report);
    printf("# %-24s %-4s%9" PRIu64 " states %10" PRIu64 " transitions %6" PRIu64
           " ends %7.2f s%s\n",
           m->name, memory[m->memory], report.states, report.transitions, report.ends,
           ex_seconds() - start,
           report.limited   ? ", NOT ALL"
           : m->preempt_max ? ", bounded"
                            : "");
    if (!holds || report.limited)
        return false;
    ran[n_ran].model = m;
    ran[n_ran++].report = report;
    return true;
}

int ex_main(int argc, char **argv, const struct ex_model *models, size_t n,
            const char *const *survivors)
{
    bool deep = false, mutants = false, ok = true;
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--deep")) {
            deep = true;
        } else if (!strcmp(argv[i], "--mutants")) {
            mutants = true;
        } else if (!strncmp(argv[i], "--only=", 7)) {
            only = argv[i] + 7;
        } else if (!strncmp(argv[i], "--states=", 9)) {
            ex_states_limit = strtoull(argv[i] + 9, NULL, 0);
        } else {
            fprintf(stderr, "usage: %s [--deep] [--mutants] [--only=MODEL] [--states=MAX]\n",
                    argv[0]);
            return 2;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct ex_model *m = &models[i];
        bool skip = only ? strcmp(only, m->name) != 0 : m->deep && !deep;
        bool holds = skip || run_model(m);
        printf("%sok %zu - %s: %s%s\n", holds ? "" : "not ", i + 1, m->name, m->says,
               skip ? " # SKIP not asked for" : "");
        fflush(stdout);
        ok = ok && holds;
    }
    bool found = !mutants || try_mutants(survivors) == 0;
    printf("%sok %zu - mutants: every weakened operation is found%s\n", found ? "" : "not ", n + 1,
           mutants ? "" : " # SKIP not asked for");
    printf("1..%zu\n", n + 1);
    return ok && found ? 0 : 1;
}
