/* sim.c - every primitive under thousands of schedules.
 *
 *     sim [--seeds=N] [--from=N] [--only=MODEL]    each model under N seeds (default 100)
 *     sim --one=MODEL                              one run, under GOSHAWK_SEED; prints its trail
 *     sim --list                                   the models
 *
 * Each run is a process of its own, forked before anything of the runtime has happened, under
 * GOSHAWK_SEED=n and GOSHAWK_DEBUG=preempt.  A run that fails is told with the command that repeats
 * it.  Besides, some models exist to be explored: all their orders must come up, and the mistakes
 * that some contain must be caught; the number of seeds that it took is printed. */
#include "sim.h"
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The trail is the test's own business: the race build does not look at it. */
#define UNSEEN __attribute__((no_sanitize("thread")))

enum { TRAIL_MAX = 1 << 14, RUN_SECONDS = 60, ORDERS_MAX = 200, REACH_MIN = 10000, FAILED = 3 };

/* What a run leaves behind, in memory that the driver shares with it. */
static struct outcome {
    char trail[TRAIL_MAX]; /* cut when it is full; hash is of all of it */
    size_t length;
    uint64_t hash;
    int caught;
} * out;

static const char *program;
static uint64_t numbers; /* draw()'s state */

/* ---- what models call ---- */

_Noreturn void sim_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: goroutine %d: does not hold: %s\n", file, line, (int)go_id(), what);
    fflush(NULL);
    _Exit(FAILED);
}

/* All goroutines share one thread at a time, and none is switched in here. */
UNSEEN void note(char who, int what)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%c%d ", who, what);
    for (int i = 0; i < n; i++)
        out->hash = (out->hash ^ (unsigned char)text[i]) * 1099511628211u;
    if (out->length + (size_t)n < TRAIL_MAX) {
        memcpy(out->trail + out->length, text, (size_t)n);
        out->length += (size_t)n;
    }
}

UNSEEN void caught(void)
{
    out->caught = 1;
}

UNSEEN int draw(int below)
{
    uint64_t z = numbers += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93u;
    z = (z ^ (z >> 32)) * 0xd6e8feb86659fd93u;
    return (int)((z >> 33) % (uint64_t)below);
}

/* ---- one run ---- */

static void (*body)(void);

static int run_body(int argc, char **argv)
{
    (void)argc, (void)argv;
    body();
    return 0;
}

/* Runs the model in this process, under the seed of the environment. */
static int run_here(void (*model)(void))
{
    const char *seed = getenv("GOSHAWK_SEED");
    numbers = seed ? strtoull(seed, NULL, 0) : 0;
    body = model;
    return go_run(run_body, 0, NULL);
}

static void forget_outcome(void)
{
    memset(out, 0, sizeof *out);
    out->hash = 14695981039346656037u;
}

/* Runs the model in a process of its own; false, and says so, when it fails. */
static bool run_under(uint64_t seed, void (*model)(void), const char *name)
{
    forget_outcome();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(2);
    }
    if (pid == 0) {
        char text[24];
        snprintf(text, sizeof text, "%" PRIu64, seed);
        setenv("GOSHAWK_SEED", text, 1);
        alarm(RUN_SECONDS);
        _Exit(run_here(model));
    }
    int status = -1;
    waitpid(pid, &status, 0);
    if (status == 0)
        return true;
    if (WIFSIGNALED(status))
        fprintf(stderr, "ended by signal %d%s\n", WTERMSIG(status),
                WTERMSIG(status) == SIGALRM ? ": it does not end" : "");
    fprintf(stderr,
            "FAIL sim/%s seed=%" PRIu64 "\n"
            "     replay: GOSHAWK_DEBUG=preempt GOSHAWK_SEED=%" PRIu64 " %s --one=%s\n",
            name, seed, seed, program, name);
    return false;
}

/* ---- many ---- */

struct range {
    uint64_t from, n;
};

/* True when all of them pass; stops at the first that does not. */
static bool run_model(const struct model *m, struct range r)
{
    for (uint64_t i = 0; i < r.n; i++)
        if (!run_under(r.from + i, m->run, m->name)) {
            printf("not ok - %s\n", m->name);
            return false;
        }
    printf("ok - %s: %" PRIu64 " schedules\n", m->name, r.n);
    return true;
}

/* Adds h to the n different ones that there are, if it is new; returns how many there are then. */
static int add_order(uint64_t *orders, int n, uint64_t h)
{
    for (int i = 0; i < n; i++)
        if (orders[i] == h)
            return n;
    if (n < ORDERS_MAX)
        orders[n++] = h;
    return n;
}

/* All orders of the model come up, or its mistake is caught, within so many seeds. */
static bool run_reach(const struct reach *m, struct range r)
{
    static uint64_t orders[ORDERS_MAX];
    int tries = r.n < REACH_MIN ? REACH_MIN : (int)r.n, seen = 0;
    for (int i = 0; i < tries; i++) {
        if (!run_under(r.from + (uint64_t)i, m->run, m->name)) {
            printf("not ok - %s\n", m->name);
            return false;
        }
        seen = add_order(orders, seen, out->hash);
        if (!m->orders && out->caught) {
            printf("ok - %s: caught by run %d\n", m->name, i + 1);
            return true;
        }
        if (m->orders && seen == m->orders) {
            printf("ok - %s: all %d orders in %d runs\n", m->name, seen, i + 1);
            return true;
        }
    }
    printf("not ok - %s: %d of %d orders in %d runs\n", m->name, seen, m->orders, tries);
    return false;
}

static const struct model *const families[] = {chan_models, lock_models, time_models};
enum { FAMILIES = sizeof families / sizeof *families };

static bool is_wanted(const char *name, const char *only)
{
    return !only || !strcmp(name, only);
}

static int run_all(const char *only, struct range r)
{
    int failures = 0, ran = 0;
    for (int f = 0; f < FAMILIES; f++)
        for (const struct model *m = families[f]; m->name; m++)
            if (is_wanted(m->name, only) && ++ran)
                failures += !run_model(m, r);
    for (const struct reach *m = reaches; m->name; m++)
        if (is_wanted(m->name, only) && ++ran)
            failures += !run_reach(m, r);
    if (!ran) {
        fprintf(stderr, "sim: there is no model %s\n", only);
        return 2;
    }
    printf("1..%d\n", ran);
    return failures != 0;
}

static void (*find(const char *name))(void)
{
    for (int f = 0; f < FAMILIES; f++)
        for (const struct model *m = families[f]; m->name; m++)
            if (!strcmp(m->name, name))
                return m->run;
    for (const struct reach *m = reaches; m->name; m++)
        if (!strcmp(m->name, name))
            return m->run;
    return NULL;
}

static int list(void)
{
    for (int f = 0; f < FAMILIES; f++)
        for (const struct model *m = families[f]; m->name; m++)
            puts(m->name);
    for (const struct reach *m = reaches; m->name; m++)
        puts(m->name);
    return 0;
}

static int run_one(const char *name)
{
    void (*run)(void) = find(name);
    if (!run) {
        fprintf(stderr, "sim: there is no model %s\n", name);
        return 2;
    }
    int status = run_here(run);
    printf("%s\n%016" PRIx64 "%s\n", out->trail, out->hash, out->caught ? " caught" : "");
    return status;
}

int main(int argc, char **argv)
{
    struct range r = {0, 100};
    const char *only = NULL;
    program = argv[0];
    out = mmap(NULL, sizeof *out, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (out == MAP_FAILED)
        return 2;
    forget_outcome();
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--seeds=", 8)) {
            r.n = strtoull(argv[i] + 8, NULL, 0);
        } else if (!strncmp(argv[i], "--from=", 7)) {
            r.from = strtoull(argv[i] + 7, NULL, 0);
        } else if (!strncmp(argv[i], "--only=", 7)) {
            only = argv[i] + 7;
        } else if (!strncmp(argv[i], "--one=", 6)) {
            return run_one(argv[i] + 6);
        } else if (!strcmp(argv[i], "--list")) {
            return list();
        } else {
            fprintf(stderr, "usage: %s [--seeds=N] [--from=N] [--only=MODEL] | --one=MODEL\n",
                    argv[0]);
            return 2;
        }
    }
    setenv("GOSHAWK_DEBUG", "preempt", 1);
    return run_all(only, r);
}
