/* test_mutex.c - mutual exclusion, misuse, fairness, lifetime. */
#include "in_go.h"
#include <pthread.h>

/* Marks of who had it lately may stay. */
static bool is_free(const go_mutex *m)
{
    enum { MU_HELD = 1, MU_QUEUED = 2, MU_WOKEN = 4, MU_STARVING = 8, MU_ASKED = 32 };
    return (m->state_ & (MU_HELD | MU_QUEUED | MU_WOKEN | MU_STARVING | MU_ASKED)) == 0;
}

struct shared {
    go_mutex mu;
    long n; /* by mu, not atomic */
    int turns;
};

static void hammer(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < s->turns; i++) {
        if (i % 3 == 0) {
            if (!go_mutex_trylock(&s->mu))
                continue;
            go_mutex_unlock(&s->mu);
            continue;
        }
        go_mutex_lock(&s->mu);
        long n = s->n;
        if (i % 16 == 1)
            go_yield();
        s->n = n + 1;
        go_mutex_unlock(&s->mu);
    }
}

IN_GO(mutex, hammer_counts_exactly)
{
    struct shared s = {.turns = ROUNDS(3000)};
    for (int i = 0; i < 10; i++)
        start(hammer, &s);
    finish();
    CHECK(s.n == 10L * (ROUNDS(3000) / 3 * 2));
    CHECK(is_free(&s.mu));
}

IN_GO(mutex, trylock_takes_a_free_one_only)
{
    go_mutex m = {0};
    CHECK(go_mutex_trylock(&m) && !go_mutex_trylock(&m));
    go_mutex_unlock(&m);
    go_mutex_lock(&m);
    CHECK(!go_mutex_trylock(&m));
    go_mutex_unlock(&m);
    CHECK(go_mutex_trylock(&m));
}

static void unlock_it(void *arg)
{
    go_mutex_unlock(arg);
}

IN_GO(mutex, another_goroutine_may_unlock)
{
    go_mutex m = {0};
    go_mutex_lock(&m);
    start(unlock_it, &m);
    go_mutex_lock(&m);
    go_mutex_unlock(&m);
    finish();
    CHECK(is_free(&m));
}

static int unlock_unlocked(int argc, char **argv)
{
    (void)argc, (void)argv;
    static go_mutex m;
    go_mutex_lock(&m);
    go_mutex_unlock(&m);
    go_recover(unlock_it, &m); /* cannot stop it */
    return 0;
}

Test(mutex, unlock_of_unlocked_is_fatal, .exit_code = 2)
{
    go_run(unlock_unlocked, 0, NULL);
}

struct fair {
    go_mutex mu;
    uint32_t stop; /* atomic */
};

static void hog(void *arg)
{
    struct fair *f = arg;
    while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
        go_mutex_lock(&f->mu);
        for (go_time end = go_now() + 100 * GO_MICROSECOND; go_now() < end;)
            go_yield();
        go_mutex_unlock(&f->mu);
    }
}

/* As Go's TestMutexFairness: who holds it nearly always does not keep the other out. */
IN_GO(mutex, starving_waiter_gets_it, .timeout = 60)
{
    struct fair f = {{0}, 0};
    start(hog, &f);
    start(hog, &f);
    for (int i = 0; i < 10; i++) {
        go_yield();
        go_mutex_lock(&f.mu);
        go_mutex_unlock(&f.mu);
    }
    __atomic_store_n(&f.stop, 1, __ATOMIC_RELAXED);
    finish();
    CHECK(is_free(&f.mu));
}

/* ---- plain threads beside goroutines ---- */

static void *thread_main(void *arg)
{
    hammer(arg);
    return NULL;
}

IN_GO(mutex, works_from_plain_threads)
{
    struct shared s = {.turns = ROUNDS(3000)};
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        CHECK(!pthread_create(&t[i], NULL, thread_main, &s));
    for (int i = 0; i < 3; i++)
        start(hammer, &s);
    finish();
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    CHECK(s.n == 6L * (ROUNDS(3000) / 3 * 2) && is_free(&s.mu));
}

/* ---- lifetime ---- */

enum { USERS = 3, POISON = 0xa5 };

struct counted {
    go_mutex mu;
    int left; /* users that have not locked it yet; by mu */
};

static void use_once(void *arg)
{
    struct counted *c = arg;
    go_mutex_lock(&c->mu);
    c->left--;
    go_mutex_unlock(&c->mu);
}

/* Whoever sees, under the mutex, that he is the last user, unlocks it and writes over it. */
IN_GO(mutex, memory_is_free_after_the_last_unlock)
{
    for (int round = 0; round < ROUNDS(3000); round++) {
        struct counted *c = calloc(1, sizeof *c);
        CHECK(c);
        c->left = USERS;
        if (round % 2)
            go_mutex_lock(&c->mu);
        for (int i = 0; i < USERS; i++)
            start(use_once, c);
        if (round % 2) {
            settle();
            go_mutex_unlock(&c->mu);
        }
        for (bool last = false; !last;) {
            go_mutex_lock(&c->mu);
            last = c->left == 0;
            go_mutex_unlock(&c->mu);
            if (!last)
                go_yield();
        }
        memset(c, POISON, sizeof *c);
        finish();
        for (size_t i = 0; i < sizeof *c; i++)
            CHECK(((unsigned char *)c)[i] == POISON);
        free(c);
    }
}
