/* cmd_trace_stat.c - goshawk trace stat FILE: tables over the whole trace.
 *
 *   goroutines by entry function: how long they were in each state
 *   scheduling latency: from runnable to running, quantiles and a histogram
 *   objects by the time that goroutines waited for them, and where they did
 *   processors: what they did
 *
 * One pass over the spans; memory is that of the functions, objects and processors, not of
 * events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "idmap.h"
#include "timeline_draw.h"
#include "trace_file.h"

enum {
    SUB = 16, /* histogram buckets for each power of two: quantiles to 6 % */
    BUCKETS = 64 * SUB,
    OBJECTS_SHOWN = 10,
    FUNCTIONS_SHOWN = 40,
    WAITS_SHOWN = 5,
    BAR = 40,
    NAME_WIDTH = 28,
    PLACE_MAX = 200,
};

struct function {
    const char *name;
    uint64_t goroutines, runs;
    uint64_t ns[TR_CLASSES];
};

struct object {
    uint64_t addr, waits, ns, max_ns, max_g, max_by;
    enum tr_reason why;
    uint32_t stack; /* of the longest wait */
};

struct proc {
    uint64_t ns[TR_P_RUNNING + 1];
    uint64_t runs;
};

struct wait {
    uint64_t g, by, ns, obj;
    int64_t begin;
    enum tr_reason why;
    uint32_t stack;
};

struct stat {
    struct tr_reader *r;
    struct idmap fn_ids, obj_ids;
    struct function *functions;
    struct object *objects;
    struct proc *procs;
    size_t function_cap, object_cap, proc_cap, proc_count;
    uint64_t latency[BUCKETS], latencies, latency_max;
    struct wait longest[WAITS_SHOWN];
    uint64_t events, races, created;
};

/* Room for element i of an array of elements of size bytes, zeroed. */
static void *grow(void *p, size_t *cap, size_t i, size_t size)
{
    if (i < *cap)
        return p;
    size_t want = *cap ? *cap * 2 : 64;
    while (want <= i)
        want *= 2;
    char *more = cmd_alloc(want * size);
    memset(more, 0, want * size);
    if (*cap)
        memcpy(more, p, *cap * size);
    free(p);
    *cap = want;
    return more;
}

/* ---- gathering ---- */

static struct function *function_of(struct stat *s, const struct tr_g *g)
{
    const char *name = g ? tr_reader_function(s->r, g->fn) : "?";
    uint32_t i = idmap_add(&s->fn_ids, (uintptr_t)name);
    s->functions = grow(s->functions, &s->function_cap, i, sizeof(*s->functions));
    s->functions[i].name = name;
    return &s->functions[i];
}

static unsigned bucket_of(uint64_t ns)
{
    if (ns < SUB)
        return (unsigned)ns;
    unsigned log = 63u - (unsigned)__builtin_clzll(ns);
    return (log - 3) * SUB + (unsigned)(ns >> (log - 4) & (SUB - 1));
}

/* Least value of a bucket. */
static uint64_t bucket_value(unsigned b)
{
    if (b < SUB)
        return b;
    unsigned log = b / SUB + 3;
    return (uint64_t)(SUB + b % SUB) << (log - 4);
}

static void add_latency(struct stat *s, uint64_t ns)
{
    s->latency[bucket_of(ns)]++;
    s->latencies++;
    if (ns > s->latency_max)
        s->latency_max = ns;
}

static void add_longest(struct stat *s, const struct tr_span *sp, uint64_t ns)
{
    struct wait w = {sp->id, sp->by, ns, sp->obj, sp->begin, sp->why, sp->stack};
    for (int i = 0; i < WAITS_SHOWN; i++)
        if (w.ns > s->longest[i].ns) {
            struct wait out = s->longest[i];
            s->longest[i] = w;
            w = out;
        }
}

static void add_wait(struct stat *s, const struct tr_span *sp, uint64_t ns)
{
    add_longest(s, sp, ns);
    if (!sp->obj)
        return;
    uint32_t i = idmap_add(&s->obj_ids, sp->obj);
    s->objects = grow(s->objects, &s->object_cap, i, sizeof(*s->objects));
    struct object *o = &s->objects[i];
    o->addr = sp->obj;
    o->waits++;
    o->ns += ns;
    if (o->why == TR_NONE || (sp->why != TR_SELECT && o->why == TR_SELECT))
        o->why = sp->why;
    if (ns >= o->max_ns) {
        o->max_ns = ns;
        o->stack = sp->stack;
        o->max_g = sp->id;
        o->max_by = sp->by;
    }
}

static void add_g(struct stat *s, const struct tr_span *sp, uint64_t ns)
{
    struct function *f = function_of(s, sp->info);
    switch (sp->state) {
    case TR_G_RUNNABLE:
        f->ns[TR_CL_RUNNABLE] += ns;
        if (!sp->open)
            add_latency(s, ns);
        break;
    case TR_G_RUNNING:
        f->ns[TR_CL_RUNNING] += ns;
        f->runs++;
        break;
    case TR_G_DETACHED:
        f->ns[TR_CL_SYSCALL] += ns;
        break;
    case TR_G_BLOCKED:
        f->ns[tr_reason_class(sp->why)] += ns;
        add_wait(s, sp, ns);
        break;
    default:
        break;
    }
}

static void on_span(void *arg, const struct tr_span *sp)
{
    struct stat *s = arg;
    uint64_t ns = (uint64_t)(sp->end - sp->begin);
    if (sp->lane == TR_LANE_G) {
        add_g(s, sp, ns);
    } else if (sp->lane == TR_LANE_P) {
        s->procs = grow(s->procs, &s->proc_cap, sp->id, sizeof(*s->procs));
        s->procs[sp->id].ns[sp->state] += ns;
        s->procs[sp->id].runs += sp->state == TR_P_RUNNING;
        if (sp->id >= s->proc_count)
            s->proc_count = sp->id + 1;
    }
}

static void gather(struct stat *s)
{
    struct tr_spans *spans = tr_spans_make(s->r, on_span, s);
    struct tr_event e;
    while (spans && tr_reader_next(s->r, &e)) {
        tr_spans_feed(spans, &e);
        s->events++;
        s->races += e.type == TR_EV_RACE;
        if (e.type == TR_EV_GO_CREATE || e.type == TR_EV_GO_STATE) {
            s->created++;
            function_of(s, tr_reader_g(s->r, e.g))->goroutines++;
        }
    }
    if (spans)
        tr_spans_finish(spans);
    tr_spans_free(spans);
}

/* ---- printing ---- */

static const char *time_text(char buf[16], uint64_t ns)
{
    if (ns)
        td_duration(buf, (double)ns);
    else
        snprintf(buf, 16, "-");
    return buf;
}

static void print_cell(uint64_t ns)
{
    char buf[16];
    printf(" %8s", time_text(buf, ns));
}

static int by_running(const void *a, const void *b)
{
    const struct function *f = a, *g = b;
    uint64_t x = f->ns[TR_CL_RUNNING], y = g->ns[TR_CL_RUNNING];
    return x < y ? 1 : x > y ? -1 : strcmp(f->name, g->name);
}

static void print_name(const char *name, unsigned width)
{
    char buf[4 * NAME_WIDTH + 8];
    unsigned columns = td_clean(buf, sizeof(buf), name, width, false);
    printf("%s%*s", buf, (int)(width > columns ? width - columns : 0), "");
}

static void print_functions(struct stat *s)
{
    size_t n = s->fn_ids.count;
    if (n == 0)
        return;
    qsort(s->functions, n, sizeof(*s->functions),
          by_running); /* their numbers are not used again */
    printf("\ngoroutines by entry function\n%-*s %7s %8s", NAME_WIDTH, "", "count", "runs");
    for (int c = 0; c < TR_CLASSES; c++)
        printf(" %8s", tr_class_name((enum tr_class)c));
    putchar('\n');
    for (size_t i = 0; i < n && i < FUNCTIONS_SHOWN; i++) {
        const struct function *f = &s->functions[i];
        print_name(f->name, NAME_WIDTH);
        printf(" %7llu %8llu", (unsigned long long)f->goroutines, (unsigned long long)f->runs);
        for (int c = 0; c < TR_CLASSES; c++)
            print_cell(f->ns[c]);
        putchar('\n');
    }
    if (n > FUNCTIONS_SHOWN)
        printf("and %zu more functions\n", n - FUNCTIONS_SHOWN);
}

static uint64_t quantile(const struct stat *s, double q)
{
    uint64_t rank = (uint64_t)(q * (double)s->latencies), seen = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        seen += s->latency[b];
        if (seen > rank)
            return bucket_value(b);
    }
    return s->latency_max;
}

/* Starts with a latency in [2^log, 2^(log+1)) ns. */
static uint64_t starts_between(const struct stat *s, unsigned log)
{
    uint64_t n = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        uint64_t v = bucket_value(b);
        if (v >> log == 1 || (log == 0 && v == 0))
            n += s->latency[b];
    }
    return n;
}

static void print_latency(const struct stat *s)
{
    char a[16], b[16], c[16], d[16];
    if (s->latencies == 0)
        return;
    printf("\nscheduling latency, from runnable to running: %llu starts\n"
           "p50 %s   p90 %s   p99 %s   max %s\n",
           (unsigned long long)s->latencies, time_text(a, quantile(s, 0.5)),
           time_text(b, quantile(s, 0.9)), time_text(c, quantile(s, 0.99)),
           time_text(d, s->latency_max));
    uint64_t most = 1;
    unsigned first = 64, last = 0;
    for (unsigned log = 0; log < 63; log++) {
        uint64_t n = starts_between(s, log);
        most = n > most ? n : most;
        if (n) {
            first = log < first ? log : first;
            last = log;
        }
    }
    for (unsigned log = first; log <= last && log < 63; log++) {
        uint64_t n = starts_between(s, log);
        int bar = (int)((n * BAR + most - 1) / most);
        printf("  up to %8s %9llu %.*s\n", time_text(a, (uint64_t)2 << log), (unsigned long long)n,
               bar, "########################################");
    }
}

static int by_wait(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : x->addr < y->addr ? -1 : 1;
}

/* "  at FUNCTION FILE:LINE" of the user's frame. */
static void print_place(struct tr_reader *r, uint32_t stack)
{
    struct tr_frame f;
    char buf[PLACE_MAX];
    if (!tr_reader_user_frame(r, stack, &f))
        return;
    td_clean(buf, sizeof(buf), f.function, PLACE_MAX / 4, false);
    printf("  at %s", buf);
    if (f.file) {
        td_clean(buf, sizeof(buf), f.file, PLACE_MAX / 4, false);
        printf(" %s:%d", buf, f.line);
    }
}

static void print_objects(struct stat *s)
{
    size_t n = s->obj_ids.count;
    if (n == 0)
        return;
    qsort(s->objects, n, sizeof(*s->objects), by_wait);
    printf("\nobjects by the time goroutines waited for them\n%-16s %9s %8s %8s  longest wait\n",
           "", "waits", "time", "longest");
    for (size_t i = 0; i < n && i < OBJECTS_SHOWN; i++) {
        const struct object *o = &s->objects[i];
        char name[64];
        tr_reader_obj_name(s->r, o->why, o->addr, name, sizeof(name));
        printf("%-16s %9llu", name, (unsigned long long)o->waits);
        print_cell(o->ns);
        print_cell(o->max_ns);
        printf("  G%llu", (unsigned long long)o->max_g);
        if (o->max_by)
            printf(", ended by G%llu", (unsigned long long)o->max_by);
        print_place(s->r, o->stack);
        putchar('\n');
    }
    if (n > OBJECTS_SHOWN)
        printf("and %zu more objects\n", n - OBJECTS_SHOWN);
}

static void print_waits(struct stat *s)
{
    if (s->longest[0].ns == 0)
        return;
    printf("\nlongest waits\n");
    for (int i = 0; i < WAITS_SHOWN && s->longest[i].ns; i++) {
        const struct wait *w = &s->longest[i];
        char buf[16], name[64];
        tr_reader_obj_name(s->r, w->why, w->obj, name, sizeof(name));
        printf("%8s  G%llu from %.6f s  %s%s%s", time_text(buf, w->ns), (unsigned long long)w->g,
               (double)w->begin / 1e9, tr_reason_name(w->why), *name ? " " : "", name);
        if (w->by)
            printf("  ended by G%llu", (unsigned long long)w->by);
        print_place(s->r, w->stack);
        putchar('\n');
    }
}

static void print_procs(const struct stat *s)
{
    if (s->proc_count == 0)
        return;
    printf("\nprocessors\n%-6s %8s %9s %9s %9s\n", "", "runs", "running", "scheduler", "idle");
    for (size_t i = 0; i < s->proc_count; i++) {
        const struct proc *p = &s->procs[i];
        uint64_t all = p->ns[TR_P_RUNNING] + p->ns[TR_P_SCHEDULER] + p->ns[TR_P_IDLE];
        double per_cent = all ? 100.0 / (double)all : 0;
        printf("P%-5zu %8llu %8.1f%% %8.1f%% %8.1f%%\n", i, (unsigned long long)p->runs,
               (double)p->ns[TR_P_RUNNING] * per_cent, (double)p->ns[TR_P_SCHEDULER] * per_cent,
               (double)p->ns[TR_P_IDLE] * per_cent);
    }
}

static void print_all(struct stat *s)
{
    const struct tr_info *i = tr_reader_info(s->r);
    char verdict[TR_ERR_MAX], took[16];
    tr_reader_verdict(s->r, verdict, sizeof(verdict));
    printf("%s: %s\n", i->path, verdict);
    if (*i->command) {
        print_name("program", 12);
        char buf[PLACE_MAX];
        td_clean(buf, sizeof(buf), i->command, PLACE_MAX / 4, false);
        printf("%s, process %u\n", buf, i->pid);
    }
    printf("%-12s%s, %llu events of %llu goroutines, %.1f bytes an event\n", "recorded",
           time_text(took, (uint64_t)i->end_ns), (unsigned long long)s->events,
           (unsigned long long)s->created,
           s->events ? (double)i->file_size / (double)s->events : 0.0);
    if (s->races)
        printf("%-12s%llu reported\n", "data races", (unsigned long long)s->races);
    print_functions(s);
    print_latency(s);
    print_objects(s);
    print_waits(s);
    print_procs(s);
}

int cmd_trace_stat(int argc, char **argv)
{
    struct stat *s = cmd_alloc(sizeof(*s));
    memset(s, 0, sizeof(*s));
    int code = trace_file_open(argc, argv, &s->r);
    if (code == CMD_OK) {
        gather(s);
        print_all(s);
        tr_reader_close(s->r);
        if (fflush(stdout) || ferror(stdout))
            code = cmd_failed(argv[0], "cannot write the output");
    }
    idmap_fini(&s->fn_ids);
    idmap_fini(&s->obj_ids);
    free(s->functions);
    free(s->objects);
    free(s->procs);
    free(s);
    return code;
}
