/* race.c - see race.h.
 *
 * A pair of stacks is reported once, in whichever order the two come again.
 *
 * What comes after a free, by order, is no race but a use after free, if the block is still in
 * quarantine.  Otherwise it says nothing: libc may have used the memory for something of its own,
 * unseen. */
#include "race.h"
#include "collect.h"
#include "ctx.h"
#include "futex.h"
#include "heap.h"
#include "lockset.h"
#include "pool.h"
#include "slot.h"
#include "times.h"
#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

enum { PAIRS_FIRST = 1 << 10 };

static struct rt_lock lock; /* one report at a time; guards all below */
static struct pair {
    uint64_t lo, hi;
} * pairs; /* open addressing; hi == 0: empty */
static uint64_t n_pairs, room;

enum { BENIGN = 256 };
static struct range {
    uintptr_t lo, size;
} benign[BENIGN];
static unsigned n_benign;

void race_benign(uintptr_t p, size_t n)
{
    rt_lock(&lock);
    if (n_benign < BENIGN)
        benign[n_benign++] = (struct range){p, n};
    rt_unlock(&lock);
}

static bool is_benign(uintptr_t addr)
{
    for (unsigned i = 0; i < n_benign; i++)
        if (addr - benign[i].lo < benign[i].size)
            return true;
    return false;
}

static int find_tls(struct dl_phdr_info *info, size_t size, void *arg)
{
    uintptr_t *addr = arg;
    if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS && info->dlpi_tls_data &&
            *addr - (uintptr_t)info->dlpi_tls_data < info->dlpi_phdr[i].p_memsz)
            return 1;
    return 0;
}

static bool moves(const struct rc_life *l)
{
    return !l || l->kind == RC_GOROUTINE || l->id == 0;
}

/* A thread's own thread-local variables, errno among them: the flows that run on it one after the
 * other may share them without a race.  A flow that is a thread, or was, never ran on another. */
static bool is_thread_local(uintptr_t addr, const struct rc_ctx *now, uint64_t before)
{
    if (!moves(now->life) || !moves(slot_life(before)))
        return false;
    return addr - (uintptr_t)&errno < sizeof errno || dl_iterate_phdr(find_tls, &addr) != 0;
}

static struct pair *place_of(struct pair key)
{
    uint64_t h =
        (key.lo ^ key.hi * UINT64_C(0xc2b2ae3d27d4eb4f)) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    while (pairs[h % room].hi != 0 &&
           (pairs[h % room].lo != key.lo || pairs[h % room].hi != key.hi))
        h++;
    return &pairs[h % room];
}

static void grow(void)
{
    struct pair *old = pairs;
    uint64_t n = room;
    room = n ? n * 2 : PAIRS_FIRST;
    pairs = pages_get(room * sizeof *pairs);
    for (uint64_t i = 0; i < n; i++)
        if (old[i].hi != 0)
            *place_of(old[i]) = old[i];
    if (old)
        pages_put(old, n * sizeof *old);
}

/* The place for a pair that was not told before, or NULL. */
static struct pair *place_if_new(struct pair key)
{
    if (n_pairs * 2 >= room)
        grow();
    struct pair *p = place_of(key);
    return p->hi == 0 ? p : NULL;
}

static struct pair pair_of(uint64_t a, uint64_t b)
{
    return a < b ? (struct pair){a, b} : (struct pair){b, a};
}

static bool is_new(struct pair key)
{
    struct pair *p = place_if_new(key);
    if (p == NULL)
        return false;
    *p = key;
    n_pairs++;
    return true;
}

/* Of a flow that ended, and whose last record was lost to another write, before it could be named:
 * between the finding of a race and its report. */
static const struct rc_life forgotten = {.kind = RC_THREAD, .name = "ended", .finished = true};

static void fill(struct rc_access_info *info, uintptr_t word, uint64_t w, uint64_t site)
{
    unsigned touched = w_touched(w);
    const struct rc_life *life = slot_life(w);
    *info = (struct rc_access_info){
        .addr = word + (unsigned)__builtin_ctz(touched),
        .size = (unsigned)__builtin_popcount(touched),
        .write = w_written(w) != 0,
        .atomic = w_is_atomic(w),
        .free = (site & SITE_FREE) != 0,
        .by = life ? life : &forgotten,
        .stack = lockset_strip(site & ~SITE_FREE),
    };
    lockset_of(site, info);
}

struct job {
    bool use; /* after free, in order */
    struct rc_access_info now, before;
    struct rc_order_info order;
};

static void run(void *arg)
{
    struct job *j = arg;
    if (j->use) {
        rc_report_use(&j->now, &j->before);
        return;
    }
    rc_report_race(&j->now, &j->before, &j->order);
}

/* Makes a report, on a large stack.  Caller holds lock and the collector, and is inside the
 * engine. */
static void report_by(void (*fn)(void *), void *arg)
{
    const struct rc_host *h = rc_the_host();
    if (h->on_big_stack)
        h->on_big_stack(fn, arg);
    else
        fn(arg);
}

static void report_other_by(void (*fn)(void *), void *arg)
{
    collect_hold();
    report_by(fn, arg);
    collect_let_go();
}

static void run_circle(void *arg)
{
    rc_report_circle(arg);
}

void race_circle(struct rc_circle *circle)
{
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    report_other_by(run_circle, circle);
    rt_unlock(&lock);
    rc_leave(was);
}

static void run_reread(void *arg)
{
    rc_report_reread(arg);
}

void race_reread(struct rc_reread *reread)
{
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    if (is_new(pair_of(reread->first.taken_at, reread->again.taken_at)))
        report_other_by(run_reread, reread);
    rt_unlock(&lock);
    rc_leave(was);
}

static void run_misuse(void *arg)
{
    rc_report_misuse(arg);
}

static void run_thread_leak(void *arg)
{
    const struct rc_flow_id *const *thread = arg;
    rc_report_thread_leak(*thread);
}

void rc_thread_leaked(const struct rc_flow_id *thread)
{
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    if (is_new(pair_of(thread->created_at, 2))) /* no stack is 2 */
        report_other_by(run_thread_leak, &thread);
    rt_unlock(&lock);
    rc_leave(was);
}

void rc_flows_blocked(const struct rc_blocked *blocked)
{
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    collect_hold();
    rc_report_blocked(blocked); /* on a large stack already */
    collect_let_go();
    rt_unlock(&lock);
    rc_leave(was);
}

void rc_lock_misused(struct rc_ctx *c, const void *l, const char *kind, const char *what,
                     uintptr_t pc)
{
    if (rc_is_silent(c))
        return;
    struct rc_misuse m = {.what = what, .lock = l, .kind = kind, .where = rc_site_here(c, pc)};
    m.by = rc_flow_of(c);
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    if (is_new(pair_of(m.where, 1))) /* no stack is 1 */
        report_other_by(run_misuse, &m);
    rt_unlock(&lock);
    rc_leave(was);
}

/* Access a, to the word at addr, and e are news, and are to be told of.  Caller holds lock. */
static void found_one(const struct access *a, uintptr_t addr, const struct entry *e)
{
    struct pair key =
        pair_of(lockset_strip(a->site & ~SITE_FREE), lockset_strip(e->site & ~SITE_FREE));
    uintptr_t first = addr + (unsigned)__builtin_ctz(w_touched(a->masks) & w_touched(e->w));
    struct job j = {.use = (e->site & SITE_FREE) && rc_ordered(a->c, e->w)};
    if (!place_if_new(key) || is_benign(first) || is_thread_local(first, a->c, e->w) ||
        (j.use && !heap_is_kept(first)))
        return;
    is_new(key);
    fill(&j.now, addr, a->who | a->masks, a->site);
    fill(&j.before, addr, e->w, e->site);
    times_of(j.before.by, e->w, &j.before.after, &j.before.until);
    if (!j.use)
        journal_between(a->c, j.before.by, e->w, &j.order);
    report_by(run, &j);
}

void race_found(const struct access *a, uintptr_t addr, const struct found *found)
{
    for (unsigned i = 0; i < found->n; i++) {
        rt_lock(&lock);
        collect_hold();
        found_one(a, addr, &found->e[i]);
        collect_let_go();
        rt_unlock(&lock);
    }
}
