/* scenes_lock.c - locks keep others out, semaphores count, who waits for a condition is woken, and
 * what is to run once runs once. */
#include "stress.h"
#include <stdatomic.h>

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

void scene_bank(void)
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

void scene_hot(void)
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

/* ---- cond: a bounded buffer of a mutex and two conditions; a broadcast ends it ---- */

enum { PLACES = 3, MAKERS = 4, EATERS = 5 };

struct buffer {
    go_mutex lock;
    go_cond not_full, not_empty;
    int item[PLACES];
    int n, makers;
};

static void maker(int id, struct buffer *b, long *made)
{
    struct random r = random_of(800 + (uint64_t)id);
    while (running()) {
        int v = (int)draw(&r, 1000);
        go_mutex_lock(&b->lock);
        while (b->n == PLACES)
            go_cond_wait(&b->not_full, &b->lock);
        b->item[b->n++] = v;
        *made += v;
        go_cond_signal(&b->not_empty);
        go_mutex_unlock(&b->lock);
        step();
    }
    go_mutex_lock(&b->lock);
    b->makers--;
    go_cond_broadcast(&b->not_empty);
    go_mutex_unlock(&b->lock);
}

static void eater(struct buffer *b, long *eaten)
{
    for (;;) {
        go_mutex_lock(&b->lock);
        while (b->n == 0 && b->makers > 0)
            go_cond_wait(&b->not_empty, &b->lock);
        if (b->n == 0)
            break;
        HOLD("cond", b->n > 0 && b->n <= PLACES, b->n, b->makers);
        *eaten += b->item[--b->n];
        go_cond_signal(&b->not_full);
        go_mutex_unlock(&b->lock);
    }
    go_mutex_unlock(&b->lock);
}

void scene_cond(void)
{
    static struct buffer b = {.makers = MAKERS};
    static long made[MAKERS], eaten[EATERS];
    go_waitgroup wg = {0};
    for (int i = 0; i < MAKERS; i++)
        go_waitgroup_go(&wg, maker, i, &b, &made[i]);
    for (int i = 0; i < EATERS; i++)
        go_waitgroup_go(&wg, eater, &b, &eaten[i]);
    go_waitgroup_wait(&wg);
    long in = 0, out = 0;
    for (int i = 0; i < MAKERS; i++)
        in += made[i];
    for (int i = 0; i < EATERS; i++)
        out += eaten[i];
    HOLD("cond", in == out, in, out);
}

/* ---- permits: a weighted semaphore is never overdrawn, and is whole at the end ---- */

enum { PERMITS = 10, TAKERS = 9 };

static void taker(int id, go_sem *sem, atomic_int *taken)
{
    struct random r = random_of(900 + (uint64_t)id);
    while (running()) {
        int n = (int)draw(&r, PERMITS) + 1;
        if (draw(&r, 4) || !go_sem_tryacquire(sem, n))
            go_sem_acquire(sem, n);
        int now = atomic_fetch_add(taken, n) + n;
        HOLD("permits", now <= PERMITS, now, n);
        if (draw(&r, 4) == 0)
            go_yield();
        atomic_fetch_sub(taken, n);
        go_sem_release(sem, n);
        step();
    }
}

void scene_permits(void)
{
    static go_sem sem = GO_SEM_INIT(PERMITS);
    static atomic_int taken;
    go_waitgroup wg = {0};
    for (int i = 0; i < TAKERS; i++)
        go_waitgroup_go(&wg, taker, i, &sem, &taken);
    go_waitgroup_wait(&wg);
    HOLD("permits", go_sem_tryacquire(&sem, PERMITS), atomic_load(&taken), 0);
}

/* ---- group: limits are kept, the first error is told, and the group can be used again ---- */

enum { LIMIT = 3 };

struct task {
    atomic_int *at_once, *ended;
    int result;
};

static int task(void *arg)
{
    const struct task *t = arg;
    int now = atomic_fetch_add(t->at_once, 1) + 1;
    HOLD("group", now <= LIMIT, now, 0);
    if (t->result % 2)
        go_yield();
    atomic_fetch_sub(t->at_once, 1);
    atomic_fetch_add(t->ended, 1);
    step();
    return t->result;
}

void scene_group(void)
{
    enum { TASKS = 12 };
    struct random r = random_of(1000);
    go_group g = {0};
    go_group_limit(&g, LIMIT);
    while (running()) {
        atomic_int at_once = 0, ended = 0;
        struct task t[TASKS];
        int bad = 0, n = (int)draw(&r, TASKS) + 1;
        for (int i = 0; i < n; i++) {
            t[i] = (struct task){&at_once, &ended, draw(&r, 6) ? 0 : (int)draw(&r, 90) + 1};
            bad += t[i].result != 0;
            go_group_go(&g, task, &t[i]);
        }
        int got = go_group_wait(&g), known = got == 0;
        for (int i = 0; i < n; i++)
            known |= t[i].result == got;
        HOLD("group", atomic_load(&ended) == n, atomic_load(&ended), n);
        HOLD("group", (got != 0) == (bad > 0) && known, got, bad);
    }
}

/* ---- once: it runs once, and whoever returns finds it done ---- */

struct first {
    go_once once;
    int done; /* plain: the once orders it */
    atomic_int runs;
};

static void do_first(struct first *f, bool slow)
{
    if (slow)
        go_yield();
    atomic_fetch_add(&f->runs, 1);
    f->done = 1;
}

static void asker(struct first *f, int id)
{
    go_once_do(&f->once, do_first, f, id % 2 == 0);
    HOLD("once", f->done == 1, f->done, id);
}

void scene_once(void)
{
    enum { ASKERS = 7 };
    while (running()) {
        struct first f = {0};
        go_waitgroup wg = {0};
        for (int i = 0; i < ASKERS; i++)
            go_waitgroup_go(&wg, asker, &f, i);
        go_waitgroup_wait(&wg);
        HOLD("once", atomic_load(&f.runs) == 1, atomic_load(&f.runs), 0);
        step();
    }
}
