/* synth.c - see synth.h.
 *
 * One lock, world.lock, makes every transition atomic, so the order of records is the order of
 * the transitions.  A goroutine's run is: take it off the ready queue, say GO_START, drop the
 * lock, burn some time, take the lock, do one thing (block, wake, yield, start another, end).
 *
 * A play with an end is played by one thread, which takes the machines' turns in an order from the
 * seed: what happens is the same each time, and only how long it takes is not. */
#include "synth.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "atomic.h"
#include "clock.h"
#include "list.h"
#include "rand.h"
#include "tr.h"

enum { SLEEP_TURNS = 20, KEEP_TURNS = 16, MAX_THREADS = 64 };

enum kind { MAIN, PRODUCER, WORKER, COLLECTOR, SLEEPER, HELPER };

struct pg {
    struct list link; /* ready queue or a wait list */
    struct list all;
    enum tr_go_state state;
    uint32_t m; /* running: there */
    uint64_t id;
    enum kind kind;
    bool holds;         /* the mutex */
    uint64_t wake_at;   /* in turns */
    enum tr_reason why; /* blocked: what for, */
    const void *obj;    /* and on what */
};

struct machine {
    uint32_t m, turns; /* turns: since it took its P */
    int p;             /* -1: none */
    bool parked;
    struct pg *g; /* running */
    struct tr_stream *s;
    struct rt_rand r;
};

struct channel {
    struct list senders, receivers;
    unsigned count, cap;
};

static struct world {
    struct synth opt;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct list all, ready, sleepers, mutex_waiters;
    struct channel jobs, results;
    struct pg *holder; /* of the mutex */
    uint64_t last_id, alive, steps, turns;
    unsigned procs_free, proc_mask;
    unsigned procs_seen, parks; /* processors taken so far (a mask), threads gone to sleep */
    uint64_t threads_seen;      /* that have run something (a mask) */
    bool for_ever;
} w;

/* Entry functions, for their names. */
void synth_main(void);
void synth_producer(void);
void synth_worker(void);
void synth_collector(void);
void synth_sleeper(void);
void synth_helper(void);
void synth_main(void)
{
}
void synth_producer(void)
{
}
void synth_worker(void)
{
}
void synth_collector(void)
{
}
void synth_sleeper(void)
{
}
void synth_helper(void)
{
}

static void (*const entry[])(void) = {synth_main,      synth_producer, synth_worker,
                                      synth_collector, synth_sleeper,  synth_helper};

static void burn(int64_t ns)
{
    int64_t until = clock_nanos() + ns;
    while (clock_nanos() < until)
        ;
}

static void make_ready(struct pg *g)
{
    g->state = TR_STATE_RUNNABLE;
    list_push_back(&w.ready, &g->link);
    pthread_cond_broadcast(&w.more);
}

static void spawn(struct tr_stream *s, struct pg *by, enum kind kind)
{
    struct pg *g = calloc(1, sizeof(*g));
    g->id = ++w.last_id;
    g->kind = kind;
    w.alive++;
    list_push_back(&w.all, &g->all);
    tr_go_create(s, g->id, by ? by->id : 0, (const void *)entry[kind]);
    make_ready(g);
}

static void wake_first(struct tr_stream *s, struct list *waiters, struct pg *by)
{
    struct list *l = list_pop_front(waiters);
    if (!l)
        return;
    struct pg *g = container_of(l, struct pg, link);
    tr_go_ready(s, g->id, by ? by->id : 0, g->why, g->obj);
    make_ready(g);
}

static void block(struct tr_stream *s, struct pg *g, struct list *on, enum tr_reason why,
                  const void *obj)
{
    g->why = why;
    g->obj = obj;
    g->state = TR_STATE_BLOCKED;
    tr_go_block(s, g->id, why, obj);
    list_push_back(on, &g->link);
}

static void yield(struct tr_stream *s, struct pg *g)
{
    tr_go_yield(s, g->id);
    make_ready(g);
}

static void end(struct tr_stream *s, struct pg *g)
{
    tr_go_end(s, g->id);
    w.alive--;
    list_remove(&g->all);
    free(g);
    if (w.alive == 0)
        pthread_cond_broadcast(&w.more);
}

static void send(struct tr_stream *s, struct pg *g, struct channel *c)
{
    bool room = c->count < c->cap;
    c->count += room;
    wake_first(s, &c->receivers, g);
    if (room)
        yield(s, g);
    else
        block(s, g, &c->senders, TR_CHAN_SEND, c);
}

static void receive(struct tr_stream *s, struct pg *g, struct channel *c, enum tr_reason why)
{
    bool any = c->count > 0;
    c->count -= any;
    wake_first(s, &c->senders, g);
    if (any)
        yield(s, g);
    else
        block(s, g, &c->receivers, why, c);
}

static void lock_step(struct tr_stream *s, struct pg *g)
{
    if (g == w.holder) {
        w.holder = NULL;
        if (!list_empty(&w.mutex_waiters))
            w.holder = container_of(w.mutex_waiters.next, struct pg, link);
        wake_first(s, &w.mutex_waiters, g);
        send(s, g, &w.results);
    } else if (w.holder) {
        block(s, g, &w.mutex_waiters, TR_MUTEX, &w.holder);
    } else {
        w.holder = g;
        yield(s, g);
    }
}

static void release_everybody(struct tr_stream *s, struct pg *g)
{
    struct list *lists[] = {&w.sleepers,       &w.mutex_waiters,   &w.jobs.senders,
                            &w.jobs.receivers, &w.results.senders, &w.results.receivers};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        while (!list_empty(lists[i]))
            wake_first(s, lists[i], g);
}

/* Whether there is something of everything: else a fast thread could end the play before the others
 * have begun, and tests would look for what is not there. */
static bool seen_everything(void)
{
    unsigned n = w.opt.threads, procs = w.opt.procs;
    bool threads = __builtin_popcountll(w.threads_seen) == (int)n;
    bool all_procs = n < procs || __builtin_popcount(w.procs_seen) == (int)procs;
    return threads && all_procs && (n <= procs || w.parks > 0);
}

/* One thing that a running goroutine does before it stops running. */
static void act(struct tr_stream *s, struct pg *g, struct rt_rand *r)
{
    if (w.steps >= w.opt.steps && seen_everything() && !w.for_ever) {
        if (g == w.holder)
            w.holder = NULL;
        release_everybody(s, g);
        end(s, g);
        return;
    }
    w.steps++;
    switch (g->kind) {
    case MAIN:
        if (rand_below(r, 8) == 0)
            spawn(s, g, HELPER);
        yield(s, g);
        break;
    case PRODUCER:
        send(s, g, &w.jobs);
        break;
    case WORKER:
        if (g == w.holder || rand_below(r, 3) == 0)
            lock_step(s, g);
        else
            receive(s, g, &w.jobs, TR_CHAN_RECV);
        break;
    case COLLECTOR:
        receive(s, g, &w.results, TR_SELECT);
        break;
    case SLEEPER:
        g->wake_at = w.turns + SLEEP_TURNS;
        block(s, g, &w.sleepers, TR_SLEEP, NULL);
        break;
    case HELPER:
        end(s, g);
        break;
    }
}

/* ---- for the recorder ---- */

static uint32_t begun; /* the world is set up */

static void tell_all(tr_tell *tell, void *arg)
{
    if (!at_load_acq(&begun)) /* [begun] */
        return;
    pthread_mutex_lock(&w.lock);
    list_for_each(l, &w.all) {
        const struct pg *g = container_of(l, struct pg, all);
        char name[32] = "";
        if (g->kind == SLEEPER)
            snprintf(name, sizeof(name), "sleeper");
        tell(arg, &(struct tr_alive){.g = g->id,
                                     .state = g->state,
                                     .why = g->why,
                                     .obj = g->obj,
                                     .fn = (const void *)entry[g->kind],
                                     .name = name,
                                     .m = g->m,
                                     .has_p = true});
    }
    pthread_mutex_unlock(&w.lock);
}

static uint32_t procs(void)
{
    return w.opt.procs;
}

const struct tr_host synth_host = {tell_all, procs};

static bool timer_is_due(void)
{
    return !list_empty(&w.sleepers) &&
           container_of(w.sleepers.next, struct pg, link)->wake_at <= w.turns;
}

static void fire_timers(struct tr_stream *s)
{
    while (timer_is_due())
        wake_first(s, &w.sleepers, NULL);
}

static void take_proc(struct machine *m)
{
    unsigned p = (unsigned)__builtin_ctz(~w.proc_mask);
    w.proc_mask |= 1u << p;
    w.procs_seen |= 1u << p;
    w.procs_free--;
    w.threads_seen |= (uint64_t)1 << m->m;
    m->p = (int)p;
    m->turns = 0;
    tr_p_start(m->s, p);
}

static void give_proc(struct machine *m)
{
    tr_p_stop(m->s, (unsigned)m->p);
    w.proc_mask &= ~(1u << m->p);
    w.procs_free++;
    m->p = -1;
    pthread_cond_broadcast(&w.more);
}

static void park(struct machine *m, bool parked)
{
    if (m->parked == parked)
        return;
    m->parked = parked;
    w.parks += parked;
    (parked ? tr_m_park : tr_m_unpark)(m->s);
}

/* Whether M m may take a P: those that have not run yet come first, or a fast one could keep it. */
static bool my_turn(const struct machine *m)
{
    unsigned unseen = w.opt.threads - (unsigned)__builtin_popcountll(w.threads_seen);
    return w.procs_free > (w.threads_seen >> m->m & 1 ? unseen : 0);
}

/* What m's goroutine does, and the start of the next one.  Returns for how many ns that one runs;
 * 0: there is none. */
static unsigned turn(struct machine *m)
{
    w.turns++;
    if (m->parked && !timer_is_due() && (list_empty(&w.ready) || !my_turn(m)))
        return 0;
    park(m, false);
    if (m->g)
        act(m->s, m->g, &m->r);
    m->g = NULL;
    fire_timers(m->s);
    if (m->p >= 0 && (list_empty(&w.ready) || m->turns++ == KEEP_TURNS))
        give_proc(m);
    if (list_empty(&w.ready) || (m->p < 0 && !my_turn(m))) {
        park(m, true);
        return 0;
    }
    if (m->p < 0)
        take_proc(m);
    m->g = container_of(list_pop_front(&w.ready), struct pg, link);
    m->g->state = TR_STATE_RUNNING;
    m->g->m = m->m;
    tr_go_start(m->s, m->g->id, (unsigned)m->p, NULL);
    return 1 + (unsigned)rand_below(&m->r, w.opt.work_ns);
}

static void machine_begin(struct machine *m, uint32_t number, uint32_t tid)
{
    *m = (struct machine){
        .m = number, .p = -1, .s = tr_stream_open(number, tid), .r = {w.opt.seed + number}};
}

static void machine_end(struct machine *m)
{
    if (m->p >= 0)
        give_proc(m);
    park(m, false);
    tr_stream_close(m->s);
}

static void wait_for_work(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 30000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&w.more, &w.lock, &t);
}

static void *run_machine(void *arg)
{
    struct machine m;
    pthread_mutex_lock(&w.lock);
    machine_begin(&m, (uint32_t)(uintptr_t)arg, (uint32_t)syscall(SYS_gettid));
    for (;;) {
        unsigned ns = turn(&m);
        if (ns == 0) {
            wait_for_work();
            continue;
        }
        pthread_mutex_unlock(&w.lock);
        burn(ns);
        pthread_mutex_lock(&w.lock);
    }
    return NULL;
}

static void set_up(const struct synth *o)
{
    memset(&w, 0, sizeof(w));
    w.opt = *o;
    w.opt.threads = o->threads == 0 ? 3 : o->threads < MAX_THREADS ? o->threads : MAX_THREADS;
    w.opt.procs = o->procs == 0 ? 2 : o->procs < 31 ? o->procs : 31;
    w.opt.workers = o->workers ? o->workers : 4;
    w.opt.steps = o->steps ? o->steps : 2000;
    w.opt.work_ns = o->work_ns ? o->work_ns : 2000;
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.more, NULL);
    w.procs_free = w.opt.procs;
    w.jobs.cap = 4;
    w.results.cap = 1;
    struct list *lists[] = {
        &w.all,          &w.ready,          &w.sleepers,        &w.mutex_waiters,
        &w.jobs.senders, &w.jobs.receivers, &w.results.senders, &w.results.receivers};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        list_init(lists[i]);
    tr_procs(NULL, w.opt.procs);
    spawn(NULL, NULL, MAIN);
    tr_go_name(NULL, 1, "main");
    spawn(NULL, NULL, PRODUCER);
    for (unsigned i = 0; i < w.opt.workers; i++)
        spawn(NULL, NULL, WORKER);
    spawn(NULL, NULL, COLLECTOR);
    spawn(NULL, NULL, SLEEPER);
    at_store_rel(&begun, 1u); /* [begun] */
}

/* Takes the place of a thread for each machine; see above. */
static void play(void)
{
    struct machine machine[MAX_THREADS];
    struct rt_rand r = {w.opt.seed};
    unsigned n = w.opt.threads;
    for (unsigned i = 0; i < n; i++)
        machine_begin(&machine[i], i, (uint32_t)getpid() + i);
    while (w.alive > 0)
        burn(turn(&machine[rand_below(&r, n)]));
    for (unsigned i = 0; i < n; i++)
        machine_end(&machine[i]);
}

void synth_play(const struct synth *options)
{
    set_up(options);
    play();
}

_Noreturn void synth_play_for_ever(const struct synth *options)
{
    pthread_t thread[MAX_THREADS];
    set_up(options);
    w.for_ever = true;
    for (unsigned i = 0; i < w.opt.threads; i++)
        pthread_create(&thread[i], NULL, run_machine, (void *)(uintptr_t)i);
    pthread_join(thread[0], NULL);
    abort(); /* not reached: the play has no end */
}
