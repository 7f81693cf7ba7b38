/* entry.c - go_run(): from a thread of the program into the scheduler and back.
 *
 * The calling thread does not become an M; it sleeps until the main goroutine has ended.  So
 * functions registered with atexit() run on the process's own main stack, and go_run() can return
 * although other goroutines still run.
 * [run]  the main goroutine's result -> the thread in go_run(). */
#include "entry.h"
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "cpus.h"
#include "deadlock.h"
#include "env.h"
#include "flight.h"
#include "futex.h"
#include "gdb.h"
#include "holders.h"
#include "hook.h"
#include "inside.h"
#include "leaks.h"
#include "panic.h"
#include "print.h"
#include "proc.h"
#include "signals.h"
#include "spawn.h"
#include "stack.h"
#include "sysmon.h"
#include "thread.h"
#include "unwind.h"
#include "vmem.h"
#include "waits.h"
#include <goshawk/go.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Makes the linker take the table for debuggers. */
static const struct gdb_table *const table __attribute__((used)) = &go_gdb_;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t running; /* go_run() calls in progress: 0 or 1 */
static uint32_t present; /* the one whose goroutine has begun and has not returned; 0: none */

struct run {
    int (*fn)(int, char **);
    int argc, result;
    char **argv;
    uint32_t done;
};

uint32_t rt_run(void)
{
    /* relaxed: read when nothing else runs, and what its goroutine wrote was before its M slept */
    return at_load_rlx(&present);
}

static struct tr_side side_of(const struct rc_race_side *s)
{
    return (struct tr_side){.g = s->kind == RC_GOROUTINE ? s->id : 0,
                            .addr = s->addr,
                            .size = s->size,
                            .write = s->write,
                            .atomic = s->atomic,
                            .free = s->free,
                            .pcs = s->pcs,
                            .n_pcs = s->n_pcs};
}

static void on_race(const struct rc_race *race)
{
    struct tr_side now = side_of(&race->now), before = side_of(&race->before);
    struct m *m = rt_m();
    if (hook_tracing())
        tr_race(m ? m->trace : NULL, &now, &before, race->after, race->until);
    flight_on_race();
}

/* The report, line by line, as logs of the goroutine that found it (0: a thread): goshawk trace
 * race tells it. */
static void on_report(const struct rc_report *r)
{
    char line[512];
    struct m *m = rt_m();
    struct g *self = rt_self_or_null();
    uint64_t g = self && !(self->flags & G_THREAD) ? self->id : 0;
    if (!hook_tracing() || strcmp(r->kind, "race") != 0 || *r->text == '{')
        return;
    for (const char *text = r->text, *end; *text; text = *end ? end + 1 : end) {
        end = text + strcspn(text, "\n");
        size_t n = (size_t)(end - text) < sizeof line ? (size_t)(end - text) : sizeof line - 1;
        memcpy(line, text, n);
        line[n] = 0;
        if (n > 0 && line[0] != '=')
            tr_log(m ? m->trace : NULL, g, 0, "data race", line);
    }
}

static bool find_thing(uintptr_t addr, struct rc_thing *ret_thing)
{
    struct waits_object o;
    if (!waits_chan_at((const void *)addr, &o))
        return false;
    *ret_thing = (struct rc_thing){.kind = o.kind, .made_pc = o.made_pc};
    memcpy(ret_thing->state, o.state, sizeof ret_thing->state);
    return true;
}

static void start_trace(void)
{
    const char *path = getenv("GOSHAWK_TRACE");
    if (!path || !*path)
        return;
    uintptr_t pcs[8];
    unwind_here(pcs, 8, 0); /* the first walk reads unwind tables: milliseconds not for the trace */
    int err = tr_start(path);
    if (!err)
        atexit(tr_stop);
    else
        rt_printf(2, "goshawk: cannot write the trace %s: %s; going on without\n", path,
                  strerror(-err));
}

/* Some kernels of aarch64 have larger pages, on which advice about one of ours would concern its
 * neighbours too. */
static void check_page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    if (size != (long)VM_PAGE)
        rt_fatal("this kernel has memory pages of %ld bytes; goshawk needs pages of %u", size,
                 VM_PAGE);
}

static void init(void)
{
    static const struct rc_host host = {rt_on_big_stack,   on_race,    on_report,
                                        env_reproduce,     leaks_find, find_thing,
                                        deadlock_is_still, &present};
    check_page_size();
    env_read();
    hook_race_init(&host);
    if (env.stack_bytes)
        stack_set_size(env.stack_bytes);
    uint32_t n = env.maxprocs ? env.maxprocs : (uint32_t)cpus_usable();
    uint64_t seed = env.seeded ? env.seed : (uint64_t)clock_nanos();
    panic_init();
    leaks_init();
    rt_fence_init();
    sched_init(n, seed, env.seeded);
    rt_point_init(env.preempt, env.seeded, seed);
    signals_init();
    sysmon_init();
    flight_init();
    start_trace();
    if (env.traceback >= TRACEBACK_ALL) {
        holders_start();
        leaks_watch_exit();
    }
    /* relaxed: a setting */
    rt_careful =
        env.preempt || env.migrate || env.seeded || rt_fence_needed || at_load_rlx(&holders_on);
}

void rt_init(void)
{
    pthread_once(&once, init);
}

static void count_down(struct m *m)
{
    rt_enter(m);
    sched_count_add(m, -1);
    rt_leave(m);
}

static void main_goroutine(void *arg)
{
    static uint32_t runs; /* by the goroutine of the run in progress */
    struct run *run = arg;
    struct g *self = rt_self();
    runs = runs + 1 ? runs + 1 : 1;
    at_store_rlx(&present, runs); /* relaxed: see rt_run() */
    run->result = run->fn(run->argc, run->argv);
    panic_goes_first();
    count_down(self->m);     /* here and not at its end, which go_run() does not wait for; */
    self->flags |= G_SYSTEM; /* so that whoever it returns to finds it neither counted nor shown */
    hook_release(self, &present);
    at_store_rlx(&present, 0u);   /* relaxed: see rt_run() */
    at_store_rel(&running, 0u);   /* [runs] from here on nobody waits for goroutines */
    at_store_rel(&run->done, 1u); /* [run] the result is written; run may be gone after this */
    rt_futex_wake(&run->done, 1);
}

int go_run(int (*fn)(int, char **), int argc, char **argv)
{
    rt_init();
    struct g *self = rt_self();
    if (!(self->flags & G_THREAD))
        rt_fatal("go_run: called inside a goroutine");
    if (at_xchg_acq_rel(&running, 1u)) /* [runs] one after the other */
        rt_fatal("go_run: another one is running");
    deadlock_note_runner();
    struct run run = {.fn = fn, .argc = argc, .argv = argv};
    hook_procs(NULL, rt_nprocs());
    rt_spawn_main(self, main_goroutine, &run, (void *)fn);
    while (!at_load_acq(&run.done)) /* [run] */
        rt_futex_wait(&run.done, 0, -1);
    hook_acquire(self, &present);
    return run.result;
}

/* A thread that was stopped inside stdio must not keep the process from ending. */
static void flush_stdio(void)
{
    FILE *files[] = {stdout, stderr};
    for (int i = 0; i < 2; i++)
        if (ftrylockfile(files[i]) == 0) {
            fflush_unlocked(files[i]);
            funlockfile(files[i]);
        }
}

_Noreturn void rt_die(int status)
{
    flush_stdio();
    tr_stop();
    leaks_not_wanted();
    status = hook_race_fini(status);
    _exit(status);
}
