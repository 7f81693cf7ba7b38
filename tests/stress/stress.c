/* stress.c - everything at once, for as long as asked, with what must stay true checked all the
 * time.
 *
 *     stress [--seconds=N] [--seed=0xN] [--only=SCENE]
 *
 * Scenes run side by side, each with goroutines of its own and an invariant: tokens in a ring are
 * neither lost nor doubled, money moved between accounts keeps its sum, what is sent through
 * selects is received once, readers see no half-done write, every goroutine of a storm runs,
 * sleepers never wake early, all who wait for a close see it.  Meanwhile a conductor changes the
 * number of processors.  Run it with GOSHAWK_DEBUG=migrate, so that every goroutine that is made
 * ready goes on with another thread whenever possible.
 *
 * The seed decides what the scenes do; the interleaving is the machine's.  A watchdog, a plain
 * thread, sees when nothing moves any more, dumps all goroutines and fails. */
#include <goshawk.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t seed;
static double seconds = 5;
static atomic_bool stop;
static atomic_ulong steps; /* of all scenes: the watchdog's pulse */

static _Noreturn void fail(const char *scene, const char *what, long a, long b)
{
    fprintf(stderr,
            "FAIL stress scene=%s seed=0x%" PRIx64 ": %s (%ld, %ld)\n"
            "     replay: stress --seed=0x%" PRIx64 " --seconds=%g --only=%s\n",
            scene, seed, what, a, b, seed, seconds, scene);
    go_dump(2);
    abort();
}

#define HOLD(scene, x, a, b) ((x) ? (void)0 : fail(scene, #x, (long)(a), (long)(b)))

/* ---- random numbers: each goroutine has its own stream ---- */

struct random {
    uint64_t s;
};

static struct random random_of(uint64_t salt)
{
    return (struct random){(seed + 1) * 0x9e3779b97f4a7c15 ^ (salt + 1) * 0xbf58476d1ce4e5b9};
}

static uint32_t draw(struct random *r, uint32_t below)
{
    r->s ^= r->s << 13;
    r->s ^= r->s >> 7;
    r->s ^= r->s << 17;
    return (uint32_t)((r->s >> 32) % below);
}

static bool running(void)
{
    return !atomic_load_explicit(&stop, memory_order_relaxed);
}

static void step(void)
{
    atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

/* ---- ring: tokens go round; a goroutine may hold one a while ---- */

enum { RING = 23, TOKENS = 9 };

typedef go_chan(int) int_chan;

static void ring_node(int i, int_chan from, int_chan to, atomic_int *seen)
{
    struct random r = random_of(100 + (uint64_t)i);
    go_chan_range(int, token, from) {
        if (token < 0)
            break;
        HOLD("ring", atomic_fetch_add(&seen[token], 1) == 0, token, i);
        if (draw(&r, 4) == 0)
            go_yield();
        HOLD("ring", atomic_fetch_sub(&seen[token], 1) == 1, token, i);
        step();
        go_chan_send(to, token);
    }
}

static void scene_ring(void)
{
    static atomic_int seen[TOKENS];
    int_chan c[RING];
    go_waitgroup wg = {0};
    for (int i = 0; i < RING; i++)
        c[i] = go_chan_make(int, (size_t)(i % 3 + TOKENS * (i == 0)));
    for (int i = 0; i < RING - 1; i++)
        go_waitgroup_go(&wg, ring_node, i, c[i], c[i + 1], seen);
    for (int i = 0; i < TOKENS; i++)
        go_chan_send(c[0], i);
    while (running())
        go_chan_send(c[0], go_chan_recv(c[RING - 1]));
    int found[TOKENS] = {0};
    for (int i = 0; i < TOKENS; i++)
        found[go_chan_recv(c[RING - 1])]++;
    for (int i = 0; i < TOKENS; i++)
        HOLD("ring", found[i] == 1, i, found[i]);
    for (int i = 0; i < RING - 1; i++)
        go_chan_send(c[i], -1);
    go_waitgroup_wait(&wg);
    for (int i = 0; i < RING; i++)
        go_chan_free(c[i]);
}

/* ---- bank: a mutex for each account, a reader-writer lock for the whole ---- */

enum { ACCOUNTS = 12, CLERKS = 10, MONEY = 1000 };

static struct {
    go_rwmutex whole; /* readers move money between accounts; the writer counts it */
    struct {
        go_mutex lock;
        long balance;
    } account[ACCOUNTS];
} bank;

static void clerk(int n)
{
    struct random r = random_of(200 + (uint64_t)n);
    while (running()) {
        unsigned from = draw(&r, ACCOUNTS), to = draw(&r, ACCOUNTS);
        long sum = (long)draw(&r, 50);
        if (from == to)
            continue;
        unsigned first = from < to ? from : to, second = from < to ? to : from;
        go_rwmutex_rlock(&bank.whole);
        go_mutex_lock(&bank.account[first].lock);
        if (draw(&r, 8) == 0)
            go_yield();
        if (draw(&r, 3) || !go_mutex_trylock(&bank.account[second].lock))
            go_mutex_lock(&bank.account[second].lock);
        bank.account[from].balance -= sum;
        bank.account[to].balance += sum;
        go_mutex_unlock(&bank.account[first].lock);
        go_mutex_unlock(&bank.account[second].lock);
        go_rwmutex_runlock(&bank.whole);
        step();
    }
}

static void auditor(void)
{
    while (running()) {
        long sum = 0;
        go_rwmutex_lock(&bank.whole);
        for (int i = 0; i < ACCOUNTS; i++)
            sum += bank.account[i].balance;
        go_rwmutex_unlock(&bank.whole);
        HOLD("bank", sum == (long)ACCOUNTS * MONEY, sum, 0);
        step();
        go_sleep(200 * GO_MICROSECOND);
    }
}

static void scene_bank(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < ACCOUNTS; i++)
        bank.account[i].balance = MONEY;
    for (int i = 0; i < CLERKS; i++)
        go_waitgroup_go(&wg, clerk, i);
    go_waitgroup_go(&wg, auditor);
    go_waitgroup_go(&wg, auditor);
    go_waitgroup_wait(&wg);
}

/* ---- exchange: everybody selects among all channels, to send and to receive ---- */

enum { TRADERS = 8, MARKETS = 4 };

static void trader(int n, int_chan *market, atomic_long *sent, atomic_long *received)
{
    struct random r = random_of(300 + (uint64_t)n);
    while (running()) {
        go_case cases[MARKETS + 2];
        int kind[MARKETS + 2], value[MARKETS + 2], k = 0;
        for (int i = 0; i < MARKETS; i++) {
            int_chan c = market[draw(&r, MARKETS)];
            kind[k] = (int)draw(&r, 2);
            value[k] = (int)draw(&r, 1000) + 1;
            cases[k] = kind[k] ? go_send_case(c, value[k]) : go_recv_case(c, &value[k]);
            k++;
        }
        bool blocks = draw(&r, 16) == 0;
        if (!blocks)
            cases[k++] = go_default;
        else
            cases[k++] = go_recv_case(market[MARKETS], NULL); /* closed at the end */
        int chosen = go_select_n(cases, k);
        step();
        if (chosen == GO_DEFAULT) {
            go_yield();
            continue;
        }
        if (chosen == MARKETS)
            break;
        HOLD("exchange", chosen >= 0 && chosen < MARKETS, chosen, k);
        atomic_fetch_add(kind[chosen] ? sent : received, value[chosen]);
    }
}

static void wait_for_stop(int_chan closed)
{
    while (running())
        go_sleep(GO_MILLISECOND);
    go_chan_close(closed);
}

static void scene_exchange(void)
{
    static atomic_long sent, received;
    int_chan market[MARKETS + 1];
    go_waitgroup wg = {0};
    for (int i = 0; i <= MARKETS; i++)
        market[i] = go_chan_make(int, (size_t)i);
    for (int i = 0; i < TRADERS; i++)
        go_waitgroup_go(&wg, trader, i, market, &sent, &received);
    go(wait_for_stop, market[MARKETS]);
    go_waitgroup_wait(&wg);
    for (int i = 0, v; i < MARKETS; i++)
        while (go_chan_try_recv(market[i], &v))
            atomic_fetch_add(&received, v);
    HOLD("exchange", atomic_load(&sent) == atomic_load(&received), atomic_load(&sent),
         atomic_load(&received));
}

/* ---- storm: goroutines start goroutines; small, large and structured arguments ---- */

#if defined(__x86_64__)
enum { PARCEL = 5 };
#else
enum { PARCEL = 1 }; /* larger ones are not passed by value there: goshawk/base.h, GO_FITS_ */
#endif

struct parcel {
    long a, b[PARCEL];
};

static void leaf(int depth, go_waitgroup *wg, atomic_int *ran, double d, struct parcel p)
{
    HOLD("storm", d == depth * 1.5 && p.a == depth && p.b[PARCEL - 1] == depth + 4, depth, p.a);
    atomic_fetch_add(ran, 1);
    if (depth > 0) {
        struct parcel next = {depth - 1, {0}};
        next.b[PARCEL - 1] = depth + 3;
        go_waitgroup_add(wg, 4);
        for (int i = 0; i < 4; i++)
            go(leaf, depth - 1, wg, ran, (depth - 1) * 1.5, next);
    }
    if (depth % 2)
        go_yield();
    step();
    go_waitgroup_done(wg);
}

static void scene_storm(void)
{
    struct random r = random_of(400);
    while (running()) {
        go_waitgroup wg = {0};
        atomic_int ran = 0;
        int depth = (int)draw(&r, 5), expected = 0, level = 1;
        for (int i = 0; i <= depth; i++, level *= 4)
            expected += level;
        struct parcel p = {depth, {0}};
        p.b[PARCEL - 1] = depth + 4;
        go_waitgroup_add(&wg, 1);
        go(leaf, depth, &wg, &ran, depth * 1.5, p);
        go_waitgroup_wait(&wg);
        HOLD("storm", atomic_load(&ran) == expected, atomic_load(&ran), expected);
    }
}

/* ---- sleep: never early, and not for ever ---- */

static void sleeper(int n)
{
    struct random r = random_of(500 + (uint64_t)n);
    while (running()) {
        go_duration d = (go_duration)draw(&r, 3000) * GO_MICROSECOND;
        go_time before = go_now();
        go_sleep(d);
        HOLD("sleep", go_since(before) >= d, go_since(before), d);
        step();
    }
}

static void scene_sleep(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 20; i++)
        go_waitgroup_go(&wg, sleeper, i);
    go_waitgroup_wait(&wg);
}

/* ---- close: all who wait see it, and what was written before it ---- */

static void watcher(int n, int_chan c, const int *value, int expected, go_waitgroup *wg)
{
    bool ok = true;
    int v = -1;
    if (n % 2)
        ok = go_chan_recv_ok(c, &v);
    else
        go_select(go_recv_case(c, &v, &ok), go_recv_case((int_chan)NULL, NULL));
    HOLD("close", !ok && v == 0, ok, v);
    HOLD("close", *value == expected, *value, expected);
    go_waitgroup_done(wg);
}

static void scene_close(void)
{
    struct random r = random_of(600);
    for (int round = 0; running(); round++) {
        int_chan c = go_chan_make(int, draw(&r, 2));
        go_waitgroup wg = {0};
        int value = 0, n = (int)draw(&r, 20) + 1;
        go_waitgroup_add(&wg, n);
        for (int i = 0; i < n; i++)
            go(watcher, i, c, &value, round, &wg);
        for (int i = (int)draw(&r, 30); i > 0; i--)
            go_yield();
        value = round;
        go_chan_close(c);
        go_waitgroup_wait(&wg);
        go_chan_free(c);
        step();
    }
}

/* ---- hot: one mutex, one counter, many goroutines ---- */

static void hot_one(go_mutex *m, long *count, long *mine)
{
    while (running()) {
        go_mutex_lock(m);
        ++*count;
        ++*mine;
        go_mutex_unlock(m);
        step();
        if (*mine % 64 == 0)
            go_yield();
    }
}

static void scene_hot(void)
{
    static go_mutex m;
    static long count, mine[6];
    go_waitgroup wg = {0};
    for (int i = 0; i < 6; i++)
        go_waitgroup_go(&wg, hot_one, &m, &count, &mine[i]);
    go_waitgroup_wait(&wg);
    long sum = 0;
    for (int i = 0; i < 6; i++)
        sum += mine[i];
    HOLD("hot", sum == count, sum, count);
}

/* ---- threads: plain threads at the same channels and locks ---- */

struct desk {
    int_chan in, out;
};

static void *desk_thread(void *arg)
{
    struct desk *d = arg;
    go_chan_range(int, v, d->in)
        go_chan_send(d->out, v + 1);
    go_chan_send(d->out, -1);
    return NULL;
}

static void scene_threads(void)
{
    enum { N = 2 };
    struct desk d = {go_chan_make(int, 0), go_chan_make(int, N)};
    pthread_t t[N];
    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, desk_thread, &d);
    for (int round = 0; running(); round++) {
        go_chan_send(d.in, round);
        int v = go_chan_recv(d.out);
        HOLD("threads", v == round + 1, v, round);
        step();
        go_yield();
    }
    go_chan_close(d.in);
    for (int i = 0; i < N; i++)
        HOLD("threads", go_chan_recv(d.out) == -1, i, 0);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
}

/* ---- the conductor, the watchdog, the whole ---- */

static void scene_procs(void)
{
    struct random r = random_of(700);
    int before = go_maxprocs(0);
    while (running()) {
        int n = (int)draw(&r, 8) + 1;
        go_maxprocs(n);
        HOLD("procs", go_maxprocs(0) == n, n, 0);
        step();
        go_sleep((go_duration)draw(&r, 20) * GO_MILLISECOND);
    }
    go_maxprocs(before);
}

static const struct scene {
    const char *name;
    void (*run)(void);
} scenes[] = {
    {"ring", scene_ring},   {"bank", scene_bank},       {"exchange", scene_exchange},
    {"storm", scene_storm}, {"sleep", scene_sleep},     {"close", scene_close},
    {"hot", scene_hot},     {"threads", scene_threads}, {"procs", scene_procs},
};

enum { SILENCE_S = 20 };

static void *watchdog(void *arg)
{
    (void)arg;
    unsigned long last = 0;
    for (int silent = 0;; silent++) {
        sleep(1); /* sleeps: a watchdog looks once a second; it orders nothing */
        unsigned long now = atomic_load_explicit(&steps, memory_order_relaxed);
        if (now != last)
            silent = 0;
        last = now;
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

int go_main(int argc, char **argv)
{
    const char *only = NULL;
    seed = (uint64_t)go_now();
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoull(argv[i] + 7, NULL, 0);
        } else if (!strncmp(argv[i], "--seconds=", 10)) {
            seconds = atof(argv[i] + 10);
        } else if (!strncmp(argv[i], "--only=", 7)) {
            only = argv[i] + 7;
        } else {
            fprintf(stderr, "usage: %s [--seconds=N] [--seed=0xN] [--only=SCENE]\n", argv[0]);
            return 2;
        }
    }
    printf("stress seed=0x%" PRIx64 " seconds=%g\n", seed, seconds);
    fflush(stdout);

    pthread_t dog;
    pthread_create(&dog, NULL, watchdog, NULL);
    pthread_detach(dog);

    go_waitgroup wg = {0};
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        if (!only || !strcmp(only, scenes[i].name))
            go_waitgroup_go(&wg, name_and_run, &scenes[i]);
    go_sleep((go_duration)(seconds * (double)GO_SECOND));
    atomic_store(&stop, true);
    go_waitgroup_wait(&wg);
    printf("%lu steps, all as it should be\n", atomic_load(&steps));
    return 0;
}
