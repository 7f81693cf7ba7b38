/* stress.c - everything at once, for as long as asked, with what must stay true checked all the
 * time.
 *
 *     stress [--seconds=N] [--seed=0xN] [--only=SCENE[,SCENE...]] [--progress=SECONDS]
 *
 * Scenes (stress.h names them) run side by side, each with goroutines of its own and an invariant:
 * nothing that is sent is lost or doubled, sums stay, nobody wakes early, what ends is seen to end.
 * Among them are some that are hostile: they block threads, compute for long, end threads, and
 * change the number of processors.  Run it with GOSHAWK_DEBUG=migrate, so that every goroutine that
 * is made ready goes on with another thread whenever possible.
 *
 * The seed decides what the scenes do; the interleaving is the machine's.  A watchdog, a plain
 * thread, sees when nothing moves any more, dumps all goroutines and fails. */
#include "stress.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed;
static double seconds = 5;
static int progress = 60;
static atomic_bool stop;
static atomic_ulong steps; /* of all scenes: the watchdog's pulse */

_Noreturn void fail(const char *scene, const char *what, long a, long b)
{
    fprintf(stderr,
            "FAIL stress scene=%s seed=0x%" PRIx64 ": %s (%ld, %ld)\n"
            "     replay: stress --seed=0x%" PRIx64 " --seconds=%g --only=%s\n",
            scene, seed, what, a, b, seed, seconds, scene);
    go_dump(2);
    abort();
}

struct random random_of(uint64_t salt)
{
    return (struct random){(seed + 1) * 0x9e3779b97f4a7c15 ^ (salt + 1) * 0xbf58476d1ce4e5b9};
}

uint32_t draw(struct random *r, uint32_t below)
{
    r->s ^= r->s << 13;
    r->s ^= r->s >> 7;
    r->s ^= r->s << 17;
    return (uint32_t)((r->s >> 32) % below);
}

bool running(void)
{
    return !atomic_load_explicit(&stop, memory_order_relaxed);
}

void step(void)
{
    atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

static int64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

unsigned long compute(go_duration d)
{
    unsigned long rounds = 0;
    for (int64_t end = nanoseconds() + d; nanoseconds() < end || rounds == 0;)
        rounds++;
    return rounds;
}

static const struct scene {
    const char *name;
    void (*run)(void);
} scenes[] = {
    {"ring", scene_ring},         {"exchange", scene_exchange}, {"close", scene_close},
    {"bank", scene_bank},         {"hot", scene_hot},           {"cond", scene_cond},
    {"permits", scene_permits},   {"group", scene_group},       {"once", scene_once},
    {"sleep", scene_sleep},       {"timers", scene_timers},     {"tickers", scene_tickers},
    {"contexts", scene_contexts}, {"storm", scene_storm},       {"panics", scene_panics},
    {"stacks", scene_stacks},     {"threads", scene_threads},   {"locked", scene_locked},
    {"blocking", scene_blocking}, {"hogs", scene_hogs},         {"pipes", scene_pipes},
    {"procs", scene_procs},
};

enum { SILENCE_S = 30 };

static void *watchdog(void *arg)
{
    (void)arg;
    unsigned long last = 0;
    for (int second = 1, silent = 0;; second++, silent++) {
        sleep(1); /* sleeps: a watchdog looks once a second; it orders nothing */
        unsigned long now = atomic_load_explicit(&steps, memory_order_relaxed);
        if (now != last)
            silent = 0;
        last = now;
        if (second % progress == 0) {
            printf("stress seed=0x%" PRIx64 ": %d s, %lu steps\n", seed, second, now);
            fflush(stdout);
        }
        if (silent == SILENCE_S) {
            fprintf(stderr, "FAIL stress seed=0x%" PRIx64 ": nothing moved for %d s\n", seed,
                    SILENCE_S);
            go_dump(2);
            abort();
        }
    }
}

static void name_and_run(const struct scene *s)
{
    go_setname(s->name);
    s->run();
}

/* Is name among those of the list, which are parted by commas? */
static bool chosen(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, name, n) && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--seconds=N] [--seed=0xN] [--only=SCENE[,SCENE...]] "
            "[--progress=SECONDS]\nscenes:",
            program);
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        fprintf(stderr, " %s", scenes[i].name);
    fprintf(stderr, "\n");
    return 2;
}

int go_main(int argc, char **argv)
{
    const char *only = NULL;
    int started = 0;
    seed = (uint64_t)go_now();
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--seed=", 7))
            seed = strtoull(argv[i] + 7, NULL, 0);
        else if (!strncmp(argv[i], "--seconds=", 10))
            seconds = atof(argv[i] + 10);
        else if (!strncmp(argv[i], "--only=", 7))
            only = argv[i] + 7;
        else if (!strncmp(argv[i], "--progress=", 11) && atoi(argv[i] + 11) > 0)
            progress = atoi(argv[i] + 11);
        else
            return usage(argv[0]);
    }
    printf("stress seed=0x%" PRIx64 " seconds=%g\n", seed, seconds);
    fflush(stdout);

    pthread_t dog;
    pthread_create(&dog, NULL, watchdog, NULL);
    pthread_detach(dog);

    go_waitgroup wg = {0};
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        if (only && !chosen(only, scenes[i].name))
            continue;
        started++;
        go_waitgroup_go(&wg, name_and_run, &scenes[i]);
    }
    if (started == 0)
        return usage(argv[0]);
    go_sleep((go_duration)(seconds * (double)GO_SECOND));
    atomic_store(&stop, true);
    go_waitgroup_wait(&wg);
    printf("%d scenes, %lu steps, all as it should be\n", started, atomic_load(&steps));
    return 0;
}
