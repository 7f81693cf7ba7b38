/* leaks.c - goroutines that are still blocked when the program ends.
 *
 * Whether a goroutine can still be woken cannot be known in C: anybody may have a pointer to what
 * it waits for.  What is reported is therefore "still blocked at exit": parked, and not for a time,
 * a file, an armed timer or a context with a deadline.  If moreover nothing else was left - no
 * goroutine that could run or that sleeps, no timer, no other thread - then nobody could have woken
 * them, and the report says "for ever".
 *
 * Two reports are made of it: text under GOTRACEBACK=all, which takes one look; and the detector's,
 * which must not accuse one that is just passing by.  So while something runs, or may, the
 * detector's
 * - looks twice, SETTLE_NS apart, and keeps who has not moved: the detector counts each flow's
 *   acquires and releases, and nobody comes out of a wait without one;
 * - leaves out who waits for a lock whose holder goes on, or waits for such a one in turn.
 * Of all this it tells under GORACE=report_goroutine_leaks=1; else only of those who wait for locks
 * that are held by one another or by themselves, whatever else goes on, or by who has ended, where
 * nobody is left who might release them. */
#include "leaks.h"
#include "atomic.h"
#include "census.h"
#include "deadlock.h"
#include "dump.h"
#include "hook.h"
#include "print.h"
#include "proc.h"
#include "scheduler.h"
#include "thread.h"
#include "waits.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SETTLE_NS = 20000000, LOCKS_MAX = 8, IDS = 512 };

static pid_t watched;     /* the process whose exit is reported; r/o once set */
static uint32_t unwanted; /* leaks_not_wanted() */

void leaks_init(void)
{
    watched = getpid();
}

void leaks_not_wanted(void)
{
    at_store_rlx(&unwanted, 1u); /* relaxed: by the thread that ends the process */
}

static bool is_blocked(const struct g *g)
{
    return at_load_rlx(&g->state) == G_PARKED && !waits_for_time(g); /* relaxed: a picture */
}

/* One that could run, or will by itself; but the one that calls exit() will not. */
static bool is_alive(const struct g *g)
{
    return g != rt_self_or_null() && !is_blocked(g);
}

struct look {
    struct census blocked, alive;
    bool hope; /* something was left that might wake some */
};

static void look(struct look *l)
{
    census_take(&l->blocked, is_blocked);
    census_take(&l->alive, is_alive);
    l->hope =
        l->blocked.n > 0 && (l->alive.n > 0 || sched_timers_pend() || deadlock_others_exist());
}

static void look_fini(struct look *l)
{
    census_fini(&l->blocked);
    census_fini(&l->alive);
}

/* ---- as text ---- */

static void report(void *arg)
{
    struct look l;
    (void)arg;
    look(&l);
    size_t n = l.blocked.n;
    if (n > 0) {
        rt_printf(2, "goshawk: %zu goroutine%s still blocked at exit%s\n\n", n,
                  n == 1 ? " was" : "s were",
                  l.hope ? "; what was still running, or a timer, might have woken some"
                         : ", for ever: nothing was left that could wake them");
        census_print(2, &l.blocked, NULL, 0, NULL);
    }
    look_fini(&l);
}

/* Runs in exit(), behind the functions that the program has registered. */
static void at_exit(void)
{
    if (getpid() != watched) /* a child that has forked */
        return;
    if (ftrylockfile(stdout) == 0) { /* the program's own output comes first */
        fflush_unlocked(stdout);
        funlockfile(stdout);
    }
    rt_on_big_stack(report, NULL);
}

void leaks_watch_exit(void)
{
    atexit(at_exit);
}

/* ---- for the detector ---- */

/* Locks that some hold. */
struct locks {
    const void **at; /* sorted, but for the last ones added */
    size_t n, room;
};

static void add_locks_of(struct locks *l, const struct g *g)
{
    const void *held[LOCKS_MAX];
    size_t n = hook_locks_held(g, held, LOCKS_MAX);
    if (l->n + n > l->room) {
        size_t room = 2 * l->room + LOCKS_MAX;
        void *more = realloc(l->at, room * sizeof *l->at);
        if (!more)
            return;
        l->at = more;
        l->room = room;
    }
    for (size_t i = 0; i < n; i++)
        l->at[l->n++] = held[i];
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const void *const *)a, y = (uintptr_t) * (const void *const *)b;
    return x < y ? -1 : x > y;
}

static bool waits_for_one(const struct locks *l, const struct g *g)
{
    struct waits_object o;
    return waits_objects(g, &o, 1) > 0 && o.is_lock &&
           bsearch(&o.obj, l->at, l->n, sizeof *l->at, by_address);
}

static void sort_locks(struct locks *l)
{
    if (l->n > 0)
        qsort(l->at, l->n, sizeof *l->at, by_address);
}

/* Who took the lock that g waits for has ended with it, and nobody is left to release it in his
 * place.  Not so the main goroutine: it may mean to keep the others out when the program ends. */
static bool waits_for_forgotten(const struct g *g)
{
    struct waits_object o;
    struct rc_lock_holder holder;
    return waits_objects(g, &o, 1) > 0 && o.is_lock && hook_lock_holders(o.obj, &holder, 1) > 0 &&
           holder.ended && holder.goroutine != 1;
}

struct deadlock {
    struct locks held;
    bool hope;
};

static bool waits_for_held(const struct census_one *one, void *arg)
{
    const struct deadlock *d = arg;
    return (d->held.n > 0 && waits_for_one(&d->held, one->g)) ||
           (!d->hope && waits_for_forgotten(one->g));
}

/* Those who wait for a lock that one of them holds, or that nobody is left to release; again and
 * again until all do. */
static void keep_deadlocked(struct look *l)
{
    struct census *blocked = &l->blocked;
    struct deadlock d = {.hope = l->hope};
    size_t before;
    do {
        before = blocked->n;
        d.held.n = 0;
        for (size_t i = 0; i < blocked->n; i++)
            add_locks_of(&d.held, blocked->ones[i].g);
        sort_locks(&d.held);
        census_keep(blocked, waits_for_held, &d);
    } while (blocked->n != before);
    free(d.held.at);
}

static bool has_not_moved(const struct census_one *now, void *arg)
{
    const struct look *earlier = arg;
    const struct census_one *was = census_find(&earlier->blocked, now->id);
    return was && was->g == now->g && was->obj == now->obj && was->mark == hook_moves(now->g);
}

static void look_twice(struct look *l, bool deadlocked_only)
{
    const struct timespec settle = {.tv_nsec = SETTLE_NS};
    struct look first;
    look(&first);
    if (deadlocked_only)
        keep_deadlocked(&first);
    if (!first.hope || first.blocked.n == 0) {
        *l = first;
        return;
    }
    for (size_t i = 0; i < first.blocked.n; i++)
        first.blocked.ones[i].mark = hook_moves(first.blocked.ones[i].g);
    nanosleep(&settle, NULL);
    look(l);
    census_keep(&l->blocked, has_not_moved, &first);
    if (deadlocked_only)
        keep_deadlocked(l);
    look_fini(&first);
}

enum { STUCK, GOES_ON, ITS_LOCKS_TOO }; /* marks of the blocked */

/* Marks those who get one of the locks; their own follow later.  False: there are none. */
static bool mark_served(struct census *blocked, struct locks *l)
{
    bool some = false;
    sort_locks(l);
    for (size_t i = 0; l->n > 0 && i < blocked->n; i++) {
        struct census_one *one = &blocked->ones[i];
        if (one->mark != STUCK || !waits_for_one(l, one->g))
            continue;
        one->mark = GOES_ON;
        some = true;
    }
    return some;
}

static bool is_stuck(const struct census_one *one, void *unused)
{
    (void)unused;
    return one->mark == STUCK;
}

/* Without those who will get the lock that they wait for. */
static void leave_out_served(struct look *l)
{
    struct locks locks = {0};
    for (size_t i = 0; i < l->alive.n; i++)
        add_locks_of(&locks, l->alive.ones[i].g);
    while (mark_served(&l->blocked, &locks))
        for (size_t i = 0; i < l->blocked.n; i++) {
            struct census_one *one = &l->blocked.ones[i];
            if (one->mark == GOES_ON) {
                add_locks_of(&locks, one->g);
                one->mark = ITS_LOCKS_TOO;
            }
        }
    free(locks.at);
    census_keep(&l->blocked, is_stuck, NULL);
}

struct telling {
    void (*tell)(const struct rc_blocked *b);
    bool deadlocked_only, hope;
};

static void tell_place(const struct census_one *ones, size_t n, void *arg)
{
    const struct telling *t = arg;
    struct waits_object seen[WAITS_SHOWN];
    struct rc_blocked_on on[WAITS_SHOWN];
    struct text ids;
    char buf[IDS];
    const struct g *g = ones->g;
    size_t n_on = waits_objects(g, seen, WAITS_SHOWN);
    bool same = true;
    for (size_t i = 0; i < n_on; i++)
        on[i] = (struct rc_blocked_on){.obj = seen[i].obj,
                                       .want = seen[i].want,
                                       .kind = seen[i].kind,
                                       .held = seen[i].held,
                                       .state = seen[i].state,
                                       .is_lock = seen[i].is_lock,
                                       .made_pc = seen[i].made_pc};
    for (size_t i = 1; i < n; i++)
        same &= census_same(&ones[i], ones);
    text_init(&ids, buf, sizeof buf);
    census_ranges(&ids, ones + 1, n - 1);
    t->tell(&(struct rc_blocked){.ctx = g->race,
                                 .why = dump_wait_reason(g),
                                 .for_ever = !t->hope,
                                 .n = n,
                                 .others = buf,
                                 .same = same,
                                 .n_on = n_on,
                                 .on = on});
}

/* Not the runtime's own frames: who waits for a mutex may do so in different ones.  But the reason:
 * the same code may wait for a channel and for none. */
static uint64_t place_of(const struct g *g)
{
    uint64_t why = (uintptr_t)dump_wait_reason(g);
    return (GO_RACE ? hook_place(g) ^ why : census_place(g)) | 1;
}

static void find(void *arg)
{
    struct telling *t = arg;
    struct look l;
    look_twice(&l, t->deadlocked_only);
    if (!t->deadlocked_only)
        leave_out_served(&l);
    t->hope = l.hope && !t->deadlocked_only;
    census_each_place(&l.blocked, place_of, tell_place, t);
    look_fini(&l);
}

void leaks_find(bool deadlocked_only, void (*tell)(const struct rc_blocked *b))
{
    struct telling t = {.tell = tell, .deadlocked_only = deadlocked_only};
    if (getpid() == watched && !at_load_rlx(&unwanted)) /* relaxed: set by this thread */
        rt_on_big_stack(find, &t);
}
