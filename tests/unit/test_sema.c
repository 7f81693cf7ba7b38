/* test_sema.c - the table of waiters: order, keys, many addresses. */
#include "in_go.h"
#include "sema.h"

static char cell[64];
static int order[200], woken; /* by the one P, or under the wakers' order */

struct waiter {
    const void *addr;
    enum tr_reason why;
    bool front;
    int id;
};

static void wait_there(void *arg)
{
    struct waiter *w = arg;
    sema_park(sema_lock(w->addr), rt_self(), w->addr, w->why, w->front);
    order[__atomic_fetch_add(&woken, 1, __ATOMIC_RELAXED)] = w->id;
}

/* Takes the first off and lets it run; false when nobody waits. */
static bool wake_one(const void *addr, enum tr_reason why, bool *more)
{
    struct sema_bucket *b = sema_lock(addr);
    struct g *g = sema_take(b, addr, why, more);
    sema_unlock(b);
    if (g)
        rt_ready(g, rt_self());
    return g != NULL;
}

static void park_all(struct waiter *w, int n)
{
    woken = 0;
    for (int i = 0; i < n; i++) {
        w[i].id = i;
        start(wait_there, &w[i]);
        settle();
    }
}

static int on_one_p(void (*body)(void))
{
    go_maxprocs(1);
    body();
    return 0;
}

static void first_come(void)
{
    struct waiter w[5] = {{cell, TR_MUTEX, false, 0},
                          {cell, TR_MUTEX, false, 0},
                          {cell, TR_MUTEX, true, 0},
                          {cell, TR_MUTEX, false, 0},
                          {cell, TR_MUTEX, true, 0}};
    static const int want[] = {4, 2, 0, 1, 3}; /* the front ones jump the queue */
    bool more = false;
    park_all(w, 5);
    struct sema_bucket *b = sema_lock(cell);
    CHECK(sema_count(b, cell, TR_MUTEX) == 5 && sema_count(b, cell, TR_ONCE) == 0);
    sema_unlock(b);
    for (int i = 0; i < 5; i++) {
        CHECK(wake_one(cell, TR_MUTEX, &more) && more == (i < 4));
        settle();
        CHECK(woken == i + 1 && order[i] == want[i]);
    }
    CHECK(!wake_one(cell, TR_MUTEX, &more) && sema_addresses() == 0);
    finish();
}

/* Coming and going in between: whoever comes is behind all who are there. */
static void come_and_go(void)
{
    struct waiter w[6];
    bool more;
    for (int i = 0; i < 6; i++)
        w[i] = (struct waiter){cell, TR_MUTEX, false, i};
    park_all(w, 3);
    CHECK(wake_one(cell, TR_MUTEX, &more));
    for (int i = 3; i < 6; i++) {
        start(wait_there, &w[i]);
        settle();
        CHECK(wake_one(cell, TR_MUTEX, &more) && more);
        settle();
    }
    CHECK(wake_one(cell, TR_MUTEX, &more) && more);
    settle();
    CHECK(wake_one(cell, TR_MUTEX, &more) && !more);
    finish();
    for (int i = 0; i < 6; i++)
        CHECK(order[i] == i);
}

static int first_come_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    on_one_p(first_come);
    return on_one_p(come_and_go);
}

Test(sema, first_come_first_served_but_for_the_front, .disabled = NOT_ONE_BY_ONE)
{
    cr_assert_eq(go_run(first_come_main, 0, NULL), 0);
}

static void ways_apart(void)
{
    struct waiter w[4] = {{cell, TR_RWMUTEX_READ, false, 0},
                          {cell, TR_RWMUTEX_WRITE, false, 0},
                          {cell, TR_RWMUTEX_READ, false, 0},
                          {cell + 8, TR_RWMUTEX_READ, false, 0}};
    bool more = true;
    park_all(w, 4);
    CHECK(sema_addresses() == 3);
    CHECK(wake_one(cell, TR_RWMUTEX_WRITE, &more) && !more);
    settle();
    CHECK(woken == 1 && order[0] == 1);
    CHECK(sema_wake_all(sema_lock(cell), rt_self(), cell, TR_RWMUTEX_READ, NULL) == 2);
    settle();
    CHECK(woken == 3 && order[1] + order[2] == 0 + 2); /* both readers */
    CHECK(sema_wake_all(sema_lock(cell), rt_self(), cell, TR_RWMUTEX_READ, NULL) == 0);
    CHECK(wake_one(cell + 8, TR_RWMUTEX_READ, &more) && !more);
    finish();
    CHECK(sema_addresses() == 0);
}

static int ways_apart_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    return on_one_p(ways_apart);
}

Test(sema, addresses_and_reasons_are_apart, .disabled = NOT_ONE_BY_ONE)
{
    cr_assert_eq(go_run(ways_apart_main, 0, NULL), 0);
}

struct baton {
    uint32_t count; /* atomic */
    int turns;
};

/* A semaphore of its own from the table's parts: down and up, many goroutines, many addresses. */
static void down(struct baton *s)
{
    struct sema_bucket *b = sema_lock(s);
    if (s->count > 0) {
        s->count--;
        sema_unlock(b);
        return;
    }
    sema_park(b, rt_self(), s, TR_SEM, false);
}

static void up(struct baton *s)
{
    bool more;
    struct sema_bucket *b = sema_lock(s);
    struct g *g = sema_take(b, s, TR_SEM, &more);
    if (!g)
        s->count++;
    sema_unlock(b);
    if (g)
        rt_ready(g, rt_self());
}

enum { RING = ROUNDS(3000) };

static struct baton ring[RING];

static void pass_baton(void *arg)
{
    struct baton *s = arg, *next = s + 1 == ring + RING ? ring : s + 1;
    for (int i = 0; i < 3; i++) {
        down(s);
        s->turns++;
        up(next);
    }
}

IN_GO(sema, thousands_of_addresses)
{
    memset(ring, 0, sizeof ring);
    for (int i = 0; i < RING; i++)
        start(pass_baton, &ring[i]);
    up(&ring[0]);
    finish();
    for (int i = 0; i < RING; i++)
        CHECK(ring[i].turns == 3 && ring[i].count == (i == 0));
    CHECK(sema_addresses() <= 1); /* finish() itself may still be leaving */
}
