/* lock_models.c - the primitives of the library's sync part under many schedules. */
#include "sim.h"

static int inside, readers, count;

/* In the critical section; others would be seen at the calls in between. */
static void enter(void)
{
    HOLD(inside++ == 0);
    go_yield();
    HOLD(inside-- == 1);
    count++;
}

/* ---- mutex ---- */

static void locker(int me, go_mutex *m)
{
    for (int i = 0; i < 4; i++) {
        if (draw(3) || !go_mutex_trylock(m))
            go_mutex_lock(m);
        note('m', me);
        enter();
        go_mutex_unlock(m);
    }
}

static void mutex(void)
{
    go_mutex m = {0};
    go_waitgroup wg = {0};
    int n = 2 + draw(4);
    for (int i = 0; i < n; i++)
        go_waitgroup_go(&wg, locker, i, &m);
    go_waitgroup_wait(&wg);
    HOLD(count == 4 * n);
    HOLD(go_mutex_trylock(&m) && !go_mutex_trylock(&m));
}

/* A waiter that has waited for long gets the mutex, whoever comes meanwhile. */
static void greedy(go_mutex *m, const bool *served, int *turns)
{
    while (!*served && *turns < 100000) {
        go_mutex_lock(m);
        go_sleep(GO_MILLISECOND);
        go_mutex_unlock(m);
        note('g', ++*turns);
    }
}

static void mutex_starving(void)
{
    go_mutex m = {0};
    go_waitgroup wg = {0};
    bool served = false;
    int turns = 0;
    go_waitgroup_go(&wg, greedy, &m, &served, &turns);
    for (int i = 0; i < 10; i++) {
        go_sleep(100 * GO_MICROSECOND);
        go_mutex_lock(&m);
        go_mutex_unlock(&m);
    }
    served = true;
    go_waitgroup_wait(&wg);
    HOLD(turns < 1000);
}

/* ---- rwmutex ---- */

static go_rwmutex rw;

static void reader(int me)
{
    for (int i = 0; i < 3; i++) {
        if (draw(3) || !go_rwmutex_tryrlock(&rw))
            go_rwmutex_rlock(&rw);
        note('r', me);
        readers++;
        HOLD(inside == 0);
        go_yield();
        HOLD(inside == 0);
        readers--;
        go_rwmutex_runlock(&rw);
    }
}

static void writer(int me)
{
    for (int i = 0; i < 3; i++) {
        if (draw(3) || !go_rwmutex_trylock(&rw))
            go_rwmutex_lock(&rw);
        note('w', me);
        HOLD(readers == 0);
        enter();
        HOLD(readers == 0);
        go_rwmutex_unlock(&rw);
    }
}

static void rwmutex(void)
{
    go_waitgroup wg = {0};
    int n = 1 + draw(3), m = 1 + draw(3);
    for (int i = 0; i < n || i < m; i++) {
        if (i < n)
            go_waitgroup_go(&wg, writer, i);
        if (i < m)
            go_waitgroup_go(&wg, reader, i);
    }
    go_waitgroup_wait(&wg);
    HOLD(count == 3 * n);
    HOLD(go_rwmutex_trylock(&rw));
}

/* ---- waitgroup: the group and what was written before done; it may go when wait returned ---- */

static void work(int *result, int value)
{
    go_yield();
    *result = value;
    note('w', value);
}

static void wait_too(go_waitgroup *wg, const int *results, int n, go_sem *done)
{
    go_waitgroup_wait(wg);
    for (int i = 0; i < n; i++)
        HOLD(results[i] == i + 1);
    go_sem_release(done, 1);
}

static void waitgroup(void)
{
    enum { MAX = 5 };
    for (int round = 0; round < 3; round++) {
        go_waitgroup *wg = calloc(1, sizeof *wg);
        go_sem done = GO_SEM_INIT(0);
        int results[MAX] = {0}, n = 1 + draw(MAX), others = draw(3);
        go_waitgroup_add(wg, n);
        for (int i = 0; i < others; i++)
            go(wait_too, wg, results, n, &done);
        for (int i = 0; i < n; i++)
            go_waitgroup_go(wg, work, &results[i], i + 1);
        go_waitgroup_add(wg, 1);
        go_waitgroup_add(wg, -1 - n);
        go_waitgroup_wait(wg);
        for (int i = 0; i < n; i++)
            HOLD(results[i] == i + 1);
        go_sem_acquire(&done, others); /* every waiter has returned */
        memset(wg, 0xdd, sizeof *wg);
        free(wg);
    }
}

/* ---- once ---- */

static void first(int *value, int fails)
{
    HOLD(inside++ == 0);
    go_yield();
    ++*value;
    if (fails == 1)
        go_panic("once");
    if (fails == 2)
        go_exit();
}

struct once_use {
    go_once once;
    int value, fails, panics, returned;
};

static void use_once(void *arg)
{
    struct once_use *u = arg;
    go_once_do(&u->once, first, &u->value, u->fails);
    HOLD(u->value == 1);
    u->returned++;
    note('o', (int)go_id());
}

static void user(struct once_use *u)
{
    const char *text = go_recover(use_once, u);
    u->panics += text != NULL;
}

static void once(void)
{
    static struct once_use u;
    go_waitgroup wg = {0};
    int n = 1 + draw(4);
    u.fails = draw(3);
    for (int i = 0; i < n; i++)
        go_waitgroup_go(&wg, user, &u);
    go_waitgroup_wait(&wg);
    HOLD(inside == 1 && u.value == 1);
    HOLD(u.panics == (u.fails == 1));
    HOLD(u.returned == n - (u.fails != 0));
}

/* ---- cond: a bounded buffer, and signals in the order of waiting ---- */

static struct {
    go_mutex mu;
    go_cond not_full, not_empty;
    int value[2], n;
} buffer;

static void put(int v)
{
    go_mutex_lock(&buffer.mu);
    while (buffer.n == 2)
        go_cond_wait(&buffer.not_full, &buffer.mu);
    buffer.value[buffer.n++] = v;
    note('p', v);
    go_cond_signal(&buffer.not_empty);
    go_mutex_unlock(&buffer.mu);
}

static int take(void)
{
    go_mutex_lock(&buffer.mu);
    while (buffer.n == 0)
        go_cond_wait(&buffer.not_empty, &buffer.mu);
    int v = buffer.value[0];
    buffer.value[0] = buffer.value[--buffer.n];
    go_cond_signal(&buffer.not_full);
    go_mutex_unlock(&buffer.mu);
    return v;
}

static void putter(int me)
{
    for (int i = 0; i < 5; i++)
        put(1 + me * 5 + i);
}

static void fetcher(int n, int *sum)
{
    for (int i = 0; i < n; i++)
        *sum += take();
}

static void cond_buffer(void)
{
    go_waitgroup wg = {0};
    int sums[2] = {0};
    for (int i = 0; i < 2; i++) {
        go_waitgroup_go(&wg, putter, i);
        go_waitgroup_go(&wg, fetcher, 5, &sums[i]);
    }
    go_waitgroup_wait(&wg);
    HOLD(sums[0] + sums[1] == 55 && buffer.n == 0);
}

struct queue {
    go_mutex mu;
    go_cond c;
    int waiting, next_awake, woken;
};

static void wait_in_line(struct queue *q, bool *runs)
{
    go_mutex_lock(&q->mu);
    int place = q->waiting++;
    go_cond_wait(&q->c, &q->mu);
    note('w', place);
    HOLD(place < q->next_awake); /* only whom a signal was for */
    q->woken++;
    *runs = true;
    go_mutex_unlock(&q->mu);
}

static void cond_signals(void)
{
    enum { N = 4 };
    static struct queue q;
    bool runs[N] = {false};
    go_waitgroup wg = {0};
    for (int i = 0; i < N; i++)
        go_waitgroup_go(&wg, wait_in_line, &q, &runs[i]);
    for (int all = 0; all < N; go_yield()) {
        go_mutex_lock(&q.mu);
        all = q.waiting;
        go_mutex_unlock(&q.mu);
    }
    while (q.next_awake < N) {
        bool every = draw(4) == 0;
        go_mutex_lock(&q.mu);
        q.next_awake = every ? N : q.next_awake + 1;
        if (every)
            go_cond_broadcast(&q.c);
        else
            go_cond_signal(&q.c);
        go_mutex_unlock(&q.mu);
    }
    go_waitgroup_wait(&wg);
    HOLD(q.woken == N);
}

/* ---- sem ---- */

static go_sem units = GO_SEM_INIT(4);
static int taken;

static void user_of_units(int me)
{
    for (int i = 0; i < 3; i++) {
        int n = 1 + draw(4);
        if (draw(3) || !go_sem_tryacquire(&units, n))
            go_sem_acquire(&units, n);
        note('u', me);
        taken += n;
        HOLD(taken <= 4);
        go_yield();
        taken -= n;
        go_sem_release(&units, n);
    }
}

static void sem(void)
{
    go_waitgroup wg = {0};
    for (int i = 0; i < 4; i++)
        go_waitgroup_go(&wg, user_of_units, i);
    go_waitgroup_wait(&wg);
    HOLD(taken == 0 && go_sem_tryacquire(&units, 4) && !go_sem_tryacquire(&units, 1));
}

/* Units go in the order of asking, so that a great request is not passed by small ones. */
static void ask(int n, go_chan(int) order)
{
    go_sem_acquire(&units, n);
    go_chan_send(order, n);
    go_sem_release(&units, n);
}

static void sem_in_order(void)
{
    go_chan(int) order = go_chan_make(int, 2);
    go_sem_acquire(&units, 4);
    go(ask, 4, order);
    while (go_sem_tryacquire(&units, 0)) /* until the great one waits */
        go_yield();
    go(ask, 1, order);
    go_sem_release(&units, 3);
    for (int i = 0; i < 20; i++)
        go_yield();
    HOLD(go_chan_len(order) == 0 && !go_sem_tryacquire(&units, 1));
    go_sem_release(&units, 1);
    HOLD(go_chan_recv(order) == 4 && go_chan_recv(order) == 1);
}

/* ---- group ---- */

static int task(void *arg)
{
    int fails = *(int *)arg;
    HOLD(++inside <= 2);
    go_yield();
    inside--;
    count++;
    note('t', fails);
    if (fails == 2)
        go_exit();
    return fails ? -5 : 0;
}

static void group(void)
{
    go_group g = {0};
    for (int round = 0; round < 2; round++) {
        int fails[5], failed = 0, n = 1 + draw(5);
        count = 0;
        go_group_limit(&g, 2);
        for (int i = 0; i < n; i++) {
            fails[i] = draw(4);
            fails[i] = fails[i] > 2 ? 0 : fails[i];
            failed += fails[i] == 1;
            go_group_go(&g, task, &fails[i]);
        }
        HOLD(go_group_wait(&g) == (failed ? -5 : 0));
        HOLD(count == n && inside == 0);
    }
}

const struct model lock_models[] = {
    {"mutex", mutex},
    {"mutex_starving", mutex_starving},
    {"rwmutex", rwmutex},
    {"waitgroup", waitgroup},
    {"once", once},
    {"cond_buffer", cond_buffer},
    {"cond_signals", cond_signals},
    {"sem", sem},
    {"sem_in_order", sem_in_order},
    {"group", group},
    {NULL, NULL},
};
