/* report.c - what happens when a race was found, and when the process ends; see report.h.
 *
 * A report is gathered as a struct story, checked against the suppressions, printed by story_text()
 * or story_json() and sent to the log in one piece.  The engine calls for one race at a time and
 * has already dropped those with a pair of stacks that was seen before.
 *
 * The end.  exit(3) runs at_exit() after the program's own handlers, because it was registered
 * before them.  To change the status of an exit under way it calls exit() again: the GNU C library
 * then goes on with the handlers that are left and takes the status of the last call, so that
 * destructors run and stdio is flushed exactly once and as always.  (fflush(NULL) and _exit(), the
 * usual way, can wait for ever for a stream that another thread reads.)  A host may call rc_fini()
 * first; at_exit() then changes nothing. */
#include "report.h"
#include "atomic.h"
#include "check.h"
#include "counters.h"
#include "flags.h"
#include "outlet.h"
#include "print.h"
#include "story.h"
#include "suppress.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SLICE_MS = 10, REPORT_MS = 5000 };

static struct {
    unsigned found;  /* races reported; written by the one report at a time, read by all */
    unsigned uses;   /* uses after free reported; likewise */
    unsigned others; /* reports of locks; likewise */
    unsigned leaks;  /* of threads; likewise */
    unsigned stuck;  /* groups of goroutines; likewise */
    bool leaks_sought;
    unsigned suppressed; /* reports not made; likewise */
    unsigned said;       /* all of the last "Found N data race(s)" */
    bool waited;         /* atexit_sleep_ms is over */
    bool left;           /* exit() has come by at_exit() */
    unsigned counted;    /* the counters were printed */
} verdict;

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

/* ---- fingerprint ---- */

static uint64_t mix(uint64_t h, const char *s)
{
    do {
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3); /* FNV-1a, its 0 included */
    } while (*s++);
    return h;
}

static uint64_t mix_trail(uint64_t h, const struct trail *t)
{
    for (size_t i = 0; i < t->n; i++) {
        h = mix(h, t->frame[i].function);
        h = mix(h, base_name(t->frame[i].file));
    }
    return h;
}

static uint64_t side_print(const struct story_access *a)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    h = mix(h, a->info->free ? "free" : a->info->write ? "write" : "read");
    return mix_trail(h, &a->trail);
}

/* The same for both orders in which the two accesses may have been found. */
static uint64_t fingerprint(const struct story *s)
{
    uint64_t a = side_print(&s->access[0]), b = side_print(&s->access[1]);
    uint64_t h = a < b ? a * 31 + b : b * 31 + a;
    if (s->location.kind == LOCATION_GLOBAL)
        h = mix(h, s->location.global.name);
    return s->kind == STORY_RACE ? h : mix(h, story_type(s));
}

/* ---- the same to the reader ---- */

/* The engine tells stacks apart by pcs; a person by lines.  x++ is a read and a write on one line,
 * so that one mistake would make two reports: stacks of the same lines that race for the same
 * object count as equal here. */
static uint64_t line_print(const struct trail *t)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < t->n; i++) {
        h = mix(mix(h, t->frame[i].function), base_name(t->frame[i].file));
        h = (h ^ (t->frame[i].file ? (uint64_t)t->frame[i].line : t->pc[i])) *
            UINT64_C(0x100000001b3);
    }
    return h;
}

/* What is the same for all addresses in one object. */
static uint64_t object_of(const struct location *l)
{
    switch (l->kind) {
    case LOCATION_GLOBAL:
        return l->global.start;
    case LOCATION_HEAP:
        return l->block.site;
    case LOCATION_STACK:
        return l->stack->created_at;
    case LOCATION_THING:
        return l->thing.made_pc;
    case LOCATION_UNKNOWN:
        break;
    }
    return 0;
}

/* Was a report with these lines made before?  It counts as made from now on. */
static bool told_before(const struct story *s)
{
    static uint64_t *told;
    static size_t n, room;
    uint64_t a = line_print(&s->access[0].trail), b = line_print(&s->access[1].trail);
    uint64_t h = (a < b ? a * 31 + b : b * 31 + a) + object_of(&s->location);
    h = (h ^ s->kind) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < n; i++)
        if (told[i] == h)
            return true;
    if (n == room) {
        uint64_t *more = realloc(told, (room ? 2 * room : 64) * sizeof *told);
        if (!more)
            return false;
        told = more;
        room = room ? 2 * room : 64;
    }
    told[n++] = h;
    return false;
}

/* ---- suppressions ---- */

static bool frame_suppressed(enum rc_suppress_kind kind, const struct trail *t, size_t i)
{
    return rc_suppressed(kind, t->frame[i].function) || rc_suppressed(kind, t->frame[i].file) ||
           rc_suppressed(kind, trail_module(t->pc[i]));
}

static bool access_suppressed(const struct trail *t)
{
    if (t->n && frame_suppressed(RC_SUPPRESS_RACE_TOP, t, 0))
        return true;
    for (size_t i = 0; i < t->n; i++)
        if (frame_suppressed(RC_SUPPRESS_RACE, t, i))
            return true;
    return false;
}

static bool suppressed(const struct story *s)
{
    if (!rc_suppress_any(RC_SUPPRESS_RACE) && !rc_suppress_any(RC_SUPPRESS_RACE_TOP))
        return false;
    return access_suppressed(&s->access[0].trail) || access_suppressed(&s->access[1].trail) ||
           (s->location.kind == LOCATION_GLOBAL &&
            rc_suppressed(RC_SUPPRESS_RACE, s->location.global.name));
}

/* ---- gathering ---- */

static void add_lives(struct story *s, const struct rc_life *l)
{
    for (; l && !story_is_first(l) && s->n_lives < STORY_LIVES_MAX; l = l->parent) {
        for (size_t i = 0; i < s->n_lives; i++)
            if (s->life[i].life == l)
                return; /* and so are its ancestors */
        struct story_life *sl = &s->life[s->n_lives++];
        sl->life = l;
        sl->finished = at_load_rlx(&l->finished); /* relaxed: a word in a report */
        trail_make(&sl->created_at, l->created_at);
    }
}

static void gather(struct story *s, enum story_kind kind, const struct rc_access_info *now,
                   const struct rc_access_info *before)
{
    const struct rc_access_info *both[] = {now, before};
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->location = location_find(now->addr);
    for (int i = 0; i < 2; i++) {
        s->access[i].info = both[i];
        trail_make_of(&s->access[i].trail, both[i]->stack, both[i]->by);
    }
    if (s->location.kind == LOCATION_HEAP)
        trail_make(&s->allocated_at, s->location.block.site);
    if (s->location.kind == LOCATION_THING && s->location.thing.made_pc)
        trail_make(&s->allocated_at, rc_here(NULL, s->location.thing.made_pc));
    s->fingerprint = fingerprint(s);
}

/* Innermost pcs of a few stacks. */
static void find_type(struct story *s)
{
    const rc_site sites[] = {s->access[0].info->stack, s->access[1].info->stack,
                             s->location.block.site};
    uintptr_t pcs[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        if (rc_stack_of(sites[i], &pcs[n], 1, NULL) > 0)
            pcs[n++]--; /* inside the call, not behind it */
    location_find_type(&s->location, pcs, n, s->access[0].info->size);
}

/* order: of a race; else NULL. */
static void gather_rest(struct story *s, const struct rc_order_info *order)
{
    const struct rc_host *host = rc_the_host();
    if (s->location.kind == LOCATION_HEAP)
        find_type(s);
    if (order)
        story_why(s, order);
    add_lives(s, s->access[0].info->by);
    add_lives(s, s->access[1].info->by);
    s->reproduce = host->reproduce ? host->reproduce() : NULL;
}

static void story_free(struct story *s)
{
    trail_free(&s->access[0].trail);
    trail_free(&s->access[1].trail);
    trail_free(&s->allocated_at);
    for (size_t i = 0; i < s->n_lives; i++)
        trail_free(&s->life[i].created_at);
}

/* What the program has printed so far is useful beside the last report; but never wait for it. */
static _Noreturn void halt(void)
{
    if (ftrylockfile(stdout) == 0) {
        fflush_unlocked(stdout);
        funlockfile(stdout);
    }
    _exit(rc_report_fini(0));
}

static void at_exit(int status, void *unused);

static void send(const char *type, unsigned *count, uint64_t fingerprint, struct log_text *out)
{
    char print[17];
    struct text t;
    text_init(&t, print, sizeof print);
    text_printf(&t, "%016llx", (unsigned long long)fingerprint);
    unsigned number = at_load_rlx(count) + 1; /* relaxed: a count, changed here alone */
    outlet_send(out, (struct rc_report){number, type, print, NULL}, count);
    if (verdict.left) /* a library's destructor, which exit() runs last: libc comes once more */
        on_exit(at_exit, NULL);
    verdict.left = false;
}

static unsigned all_reports(void)
{
    /* relaxed: counts */
    return at_load_rlx(&verdict.found) + at_load_rlx(&verdict.uses) + at_load_rlx(&verdict.others) +
           at_load_rlx(&verdict.leaks) + at_load_rlx(&verdict.stuck);
}

static void halt_if_wanted(void)
{
    if (!rc_flags()->halt_on_error || all_reports() == 0)
        return;
    verdict.waited = true;
    halt();
}

/* ---- one report at a time ---- */

static uint32_t under_way;  /* a thread is making a report [report] */
static __thread bool by_me; /* it is this one */

static void report_begin(void)
{
    by_me = true;
    at_store_rlx(&under_way, 1u); /* relaxed: who ends the process at the same moment may miss it */
}

static void report_end(void)
{
    at_store_rel(&under_way, 0u); /* [report] */
    by_me = false;
}

/* ---- to the host ---- */

enum { PCS_TOLD = 64 };

static void fill_side(struct rc_race_side *side, const struct rc_access_info *info, uintptr_t *pcs)
{
    size_t n = rc_stack_of(info->stack, pcs, PCS_TOLD, NULL);
    *side = (struct rc_race_side){.kind = info->by->kind,
                                  .id = info->by->id,
                                  .addr = info->addr,
                                  .size = info->size,
                                  .write = info->write,
                                  .atomic = info->atomic,
                                  .free = info->free,
                                  .pcs = pcs,
                                  .n_pcs = n < PCS_TOLD ? n : PCS_TOLD};
}

static void tell_host(const struct story *s)
{
    static uintptr_t pcs[2][PCS_TOLD]; /* one report at a time */
    const struct rc_host *host = rc_the_host();
    const struct rc_access_info *before = s->access[1].info;
    struct rc_race race = {.after = before->after, .until = before->until};
    if (s->kind != STORY_RACE || !host->on_race)
        return;
    fill_side(&race.now, s->access[0].info, pcs[0]);
    fill_side(&race.before, before, pcs[1]);
    host->on_race(&race);
}

static void report_pair(enum story_kind kind, const struct rc_access_info *now,
                        const struct rc_access_info *before, const struct rc_order_info *order)
{
    static struct story s; /* large; one report at a time */
    struct log_text out = {0};
    unsigned *count = kind == STORY_RACE ? &verdict.found : &verdict.uses;
    report_begin();
    gather(&s, kind, now, before);
    if (told_before(&s)) {
        /* nothing new */
    } else if (suppressed(&s)) {
        at_add_rlx(&verdict.suppressed, 1u); /* relaxed: a count */
    } else {
        gather_rest(&s, order);
        s.number = at_load_rlx(count) + 1; /* relaxed: a count, changed here alone */
        if (rc_flags()->format == RC_FORMAT_JSON)
            story_json(&s, &out);
        else
            story_text(&s, &out);
        send(story_type(&s), count, s.fingerprint, &out);
        tell_host(&s);
    }
    story_free(&s);
    report_end();
    halt_if_wanted();
}

void rc_report_race(const struct rc_access_info *now, const struct rc_access_info *before,
                    const struct rc_order_info *order)
{
    report_pair(STORY_RACE, now, before, order);
}

void rc_report_use(const struct rc_access_info *now, const struct rc_access_info *freed)
{
    report_pair(now->free ? STORY_FREED_TWICE : STORY_USED_FREED, now, freed, NULL);
}

/* ---- what is no race ---- */

static uint64_t other_print(const struct story_other *s)
{
    uint64_t h = mix(UINT64_C(0xcbf29ce484222325), s->type);
    for (size_t i = 0; i < s->n_parts; i++)
        h = mix_trail(h, &s->part[i].trail);
    return h;
}

static bool other_suppressed(const struct story_other *s, enum rc_suppress_kind kind)
{
    for (size_t i = 0; i < s->n_parts && rc_suppress_any(kind); i++)
        for (size_t k = 0; k < s->part[i].trail.n; k++)
            if (frame_suppressed(kind, &s->part[i].trail, k))
                return true;
    return false;
}

static void report_other(struct story_other *s, enum rc_suppress_kind kind, unsigned *count)
{
    struct log_text out = {0};
    const struct rc_host *host = rc_the_host();
    report_begin();
    if (other_suppressed(s, kind)) {
        at_add_rlx(&verdict.suppressed, 1u); /* relaxed: a count */
    } else {
        s->reproduce = host->reproduce ? host->reproduce() : NULL;
        s->fingerprint = other_print(s);
        s->number = at_load_rlx(count) + 1; /* relaxed: a count, changed here alone */
        if (rc_flags()->format == RC_FORMAT_JSON)
            story_other_json(s, &out);
        else
            story_other_text(s, &out);
        send(s->type, count, s->fingerprint, &out);
    }
    story_other_free(s);
    report_end();
    halt_if_wanted();
}

void rc_report_circle(const struct rc_circle *circle)
{
    static struct story_other s; /* large; one report at a time */
    story_circle(&s, circle);
    report_other(&s, RC_SUPPRESS_DEADLOCK, &verdict.others);
}

void rc_report_reread(const struct rc_reread *reread)
{
    static struct story_other s; /* likewise */
    story_reread(&s, reread);
    report_other(&s, RC_SUPPRESS_DEADLOCK, &verdict.others);
}

void rc_report_misuse(const struct rc_misuse *misuse)
{
    static struct story_other s; /* likewise */
    if (!rc_flags()->report_mutex_bugs)
        return;
    story_misuse(&s, misuse);
    report_other(&s, RC_SUPPRESS_MUTEX, &verdict.others);
}

void rc_report_thread_leak(const struct rc_flow_id *thread)
{
    static struct story_other s; /* likewise */
    story_thread_leak(&s, thread);
    report_other(&s, RC_SUPPRESS_THREAD, &verdict.leaks);
}

void (*rc_find_thread_leaks)(void (*tell)(const struct rc_flow_id *thread));

void rc_report_blocked(const struct rc_blocked *blocked)
{
    static struct story_other s; /* likewise */
    story_blocked(&s, blocked);
    report_other(&s, RC_SUPPRESS_THREAD, &verdict.stuck);
}

static void report_leaks(void)
{
    const struct rc_host *host = rc_the_host();
    if (verdict.leaks_sought || by_me)
        return;
    verdict.leaks_sought = true;
    if (rc_flags()->report_thread_leaks && rc_find_thread_leaks)
        rc_find_thread_leaks(rc_thread_leaked);
    if (host->find_blocked) {
        struct rc_ctx *was = rc_switch(NULL);
        host->find_blocked(!rc_flags()->report_goroutine_leaks, rc_flows_blocked);
        rc_switch(was);
    }
}

unsigned rc_report_errors(void)
{
    return at_load_rlx(&verdict.found); /* relaxed: a count */
}

/* ---- the end ---- */

static bool others_may_move(void)
{
    const struct rc_host *host = rc_the_host();
    return rc_others_alive() && !(host->is_still && host->is_still());
}

/* Lets the others run on for a while: a race may be a moment away.  Ends early with the last of
 * them. A program that has failed is not kept. */
static void wait_for_others(void)
{
    const struct timespec slice = {.tv_nsec = EXIT_SLICE_MS * 1000000};
    if (verdict.waited)
        return;
    verdict.waited = true;
    for (int ms = 0; ms < rc_flags()->atexit_sleep_ms && others_may_move(); ms += EXIT_SLICE_MS)
        nanosleep(&slice, NULL);
}

/* The report that another thread is just making is to be read, too. */
static void wait_for_report(void)
{
    const struct timespec slice = {.tv_nsec = 1000000};
    for (int ms = 0; ms < REPORT_MS && !by_me && at_load_acq(&under_way); ms++) /* [report] */
        nanosleep(&slice, NULL);
}

static void say_verdict(void)
{
    struct log_text out = {0};
    unsigned n = rc_report_errors(), m = at_load_rlx(&verdict.suppressed); /* relaxed: counts */
    unsigned uses = at_load_rlx(&verdict.uses);                            /* relaxed: likewise */
    unsigned others = at_load_rlx(&verdict.others);                        /* relaxed: likewise */
    unsigned leaks = at_load_rlx(&verdict.leaks);                          /* relaxed: likewise */
    unsigned stuck = at_load_rlx(&verdict.stuck);                          /* relaxed: likewise */
    if (all_reports() == verdict.said)
        return;
    verdict.said = all_reports();
    if (rc_flags()->format == RC_FORMAT_JSON) {
        log_printf(&out,
                   "{\"type\":\"summary\",\"pid\":%d,\"races\":%u,\"others\":%u,"
                   "\"suppressed\":%u}\n",
                   (int)getpid(), n, uses + others + leaks + stuck, m);
    } else {
        if (n)
            log_printf(&out, "Found %u data race(s)\n", n);
        if (uses)
            log_printf(&out, "Found %u use(s) after free\n", uses);
        if (others)
            log_printf(&out, "Found %u misuse(s) of locks\n", others);
        if (leaks)
            log_printf(&out, "Found %u thread leak(s)\n", leaks);
        if (stuck)
            log_printf(&out, "Found %u goroutine leak(s)\n", stuck);
        if (m)
            log_printf(&out, "Suppressed %u report(s)\n", m);
    }
    log_send(&out);
}

int rc_report_fini(int status)
{
    if (status == 0)
        wait_for_others();
    wait_for_report();
    report_leaks();
    say_verdict();
    outlet_unwatched();
    outlet_suppressions();
    if (rc_flags()->stats && !at_xchg_rlx(&verdict.counted, 1u)) /* relaxed: once */
        counters_print();
    return status == 0 && all_reports() ? rc_flags()->exitcode : status;
}

void rc_report_forked(void)
{
    memset(&verdict, 0, sizeof verdict);
    outlet_watches();             /* or its parent says that nothing does */
    at_store_rlx(&under_way, 0u); /* relaxed: there is one thread; who made it is not here */
}

static void at_exit(int status, void *unused)
{
    (void)unused;
    verdict.left = true;
    int verdict_status = rc_fini(status);
    if (verdict_status != status)
        exit(verdict_status);
}

void rc_report_init(void)
{
    rc_flags_init();
    if (rc_flags()->stats)
        counters_start();
    if (rc_flags()->suppressions[0])
        rc_suppress_load(rc_flags()->suppressions);
    on_exit(at_exit, NULL);
}
