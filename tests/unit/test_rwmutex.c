/* test_rwmutex.c - readers together, writers alone; order, misuse, lifetime. */
#include "in_go.h"

/* Marks of who had it lately may stay. */
static bool is_free(go_rwmutex *m)
{
    if (!go_rwmutex_trylock(m))
        return false;
    go_rwmutex_unlock(m);
    return true;
}

/* ---- readers together ---- */

struct meeting {
    go_rwmutex mu;
    go_waitgroup inside;
    go_chan(int) leave;
};

static void read_and_meet(void *arg)
{
    struct meeting *m = arg;
    go_rwmutex_rlock(&m->mu);
    go_waitgroup_done(&m->inside);
    go_chan_recv(m->leave);
    go_rwmutex_runlock(&m->mu);
}

IN_GO(rwmutex, readers_hold_it_together)
{
    struct meeting m = {.leave = go_chan_make(int, 0)};
    go_waitgroup_add(&m.inside, 20);
    for (int i = 0; i < 20; i++)
        start(read_and_meet, &m);
    go_waitgroup_wait(&m.inside); /* all are inside at the same time */
    CHECK(!go_rwmutex_trylock(&m.mu) && go_rwmutex_tryrlock(&m.mu));
    go_rwmutex_runlock(&m.mu);
    go_chan_close(m.leave);
    finish();
    CHECK(go_rwmutex_trylock(&m.mu) && !go_rwmutex_tryrlock(&m.mu) && !go_rwmutex_trylock(&m.mu));
    go_rwmutex_unlock(&m.mu);
    CHECK(is_free(&m.mu));
    go_chan_free(m.leave);
}

/* ---- hammer ---- */

struct activity {
    go_rwmutex mu;
    int32_t now; /* atomic: readers inside, or 10000 for a writer */
    long n;      /* by mu */
    int turns;
};

static void reader(void *arg)
{
    struct activity *a = arg;
    for (int i = 0; i < a->turns; i++) {
        if (i % 5)
            go_rwmutex_rlock(&a->mu);
        else if (!go_rwmutex_tryrlock(&a->mu))
            continue;
        CHECK(__atomic_add_fetch(&a->now, 1, __ATOMIC_RELAXED) < 10000);
        if (i % 8 == 1)
            go_yield();
        __atomic_sub_fetch(&a->now, 1, __ATOMIC_RELAXED);
        go_rwmutex_runlock(&a->mu);
    }
}

static void writer(void *arg)
{
    struct activity *a = arg;
    for (int i = 0; i < a->turns; i++) {
        if (i % 5)
            go_rwmutex_lock(&a->mu);
        else if (!go_rwmutex_trylock(&a->mu))
            continue;
        CHECK(__atomic_add_fetch(&a->now, 10000, __ATOMIC_RELAXED) == 10000);
        long n = a->n;
        if (i % 8 == 1)
            go_yield();
        a->n = n + (i % 5 != 0);
        __atomic_sub_fetch(&a->now, 10000, __ATOMIC_RELAXED);
        go_rwmutex_unlock(&a->mu);
    }
}

IN_GO(rwmutex, hammer_of_all_mixes)
{
    static const int mix[][2] = {{1, 1}, {1, 3}, {4, 2}, {10, 1}, {10, 5}, {0, 4}};
    for (size_t k = 0; k < sizeof mix / sizeof *mix; k++) {
        struct activity a = {.turns = ROUNDS(1000)};
        for (int i = 0; i < mix[k][0]; i++)
            start(reader, &a);
        for (int i = 0; i < mix[k][1]; i++)
            start(writer, &a);
        finish();
        CHECK(a.n == ROUNDS(1000) / 5 * 4 * mix[k][1] && is_free(&a.mu));
    }
}

/* ---- order ---- */

static go_rwmutex door;
static char trail[8];
static uint32_t trail_len; /* atomic */

static void leave_mark(char c)
{
    trail[__atomic_fetch_add(&trail_len, 1, __ATOMIC_RELAXED)] = c;
}

static void write_w(void *arg)
{
    (void)arg;
    go_rwmutex_lock(&door);
    leave_mark('w');
    go_rwmutex_unlock(&door);
}

static void write_r(void *arg)
{
    (void)arg;
    go_rwmutex_rlock(&door);
    leave_mark('r');
    go_rwmutex_runlock(&door);
}

static int order_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_maxprocs(1);
    go_rwmutex_rlock(&door);
    start(write_w, NULL);
    settle(); /* a writer waits: new readers wait behind it */
    CHECK(!go_rwmutex_tryrlock(&door));
    start(write_r, NULL);
    settle();
    start(write_w, NULL);
    settle();
    start(write_r, NULL);
    settle();
    CHECK(!trail[0]);
    go_rwmutex_runlock(&door);
    finish();
    CHECK_TEXT(trail, "wrrw"); /* a leaving writer lets in all readers, then the next writer */
    return 0;
}

Test(rwmutex, writer_keeps_new_readers_out_and_lets_waiting_ones_in, .disabled = NOT_ONE_BY_ONE)
{
    cr_assert_eq(go_run(order_main, 0, NULL), 0);
}

/* ---- misuse ---- */

static int runlock_unlocked(int argc, char **argv)
{
    (void)argc, (void)argv;
    static go_rwmutex m;
    go_rwmutex_lock(&m);
    go_rwmutex_runlock(&m);
    return 0;
}

Test(rwmutex, runlock_of_unlocked_is_fatal, .exit_code = 2)
{
    go_run(runlock_unlocked, 0, NULL);
}

static int unlock_unlocked(int argc, char **argv)
{
    (void)argc, (void)argv;
    static go_rwmutex m;
    go_rwmutex_rlock(&m);
    go_rwmutex_unlock(&m);
    return 0;
}

Test(rwmutex, unlock_of_unlocked_is_fatal, .exit_code = 2)
{
    go_run(unlock_unlocked, 0, NULL);
}

/* ---- lifetime ---- */

enum { POISON = 0xa5 };

struct counted {
    go_rwmutex mu;
    int left; /* atomic: users that have not locked it yet */
    bool write;
};

static void use_once(void *arg)
{
    struct counted *c = arg;
    if (c->write) {
        go_rwmutex_lock(&c->mu);
        __atomic_sub_fetch(&c->left, 1, __ATOMIC_RELAXED);
        go_rwmutex_unlock(&c->mu);
    } else {
        go_rwmutex_rlock(&c->mu);
        __atomic_sub_fetch(&c->left, 1, __ATOMIC_RELAXED);
        go_rwmutex_runlock(&c->mu);
    }
}

/* Locks it once more, for reading or writing; true when nobody is left who will. */
static bool was_last(struct counted *c, bool write)
{
    write ? go_rwmutex_lock(&c->mu) : go_rwmutex_rlock(&c->mu);
    bool last = __atomic_load_n(&c->left, __ATOMIC_RELAXED) == 0;
    write ? go_rwmutex_unlock(&c->mu) : go_rwmutex_runlock(&c->mu);
    return last;
}

/* A writer's user may be gone already when the next reader gets in: writers as users, readers after
 * them; a reader's user shows only to a writer that it is gone. */
IN_GO(rwmutex, memory_is_free_after_the_last_unlock)
{
    for (int round = 0; round < ROUNDS(4000); round++) {
        struct counted *c = calloc(1, sizeof *c);
        CHECK(c);
        c->write = round & 1;
        c->left = 3;
        bool hold = round & 2;
        if (hold)
            go_rwmutex_lock(&c->mu);
        for (int i = 0; i < 3; i++)
            start(use_once, c);
        if (hold) {
            settle();
            go_rwmutex_unlock(&c->mu);
        }
        while (!was_last(c, !c->write))
            go_yield();
        memset(c, POISON, sizeof *c);
        finish();
        for (size_t i = 0; i < sizeof *c; i++)
            CHECK(((unsigned char *)c)[i] == POISON);
        free(c);
    }
}
