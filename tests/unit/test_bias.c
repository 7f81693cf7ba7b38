/* test_bias.c - biased locks exclude, and change hands between Ms and plain threads. */
#include "in_go.h"
#include <pthread.h>
#include "bias.h"

enum { BIASED = 2 };

struct shared {
    struct bias_lock lock, second;
    long n; /* by lock, not atomic */
    int turns;
};

/* No goroutine switches between lock and unlock, as in the runtime. */
static void count(struct shared *s)
{
    struct m *here = rt_m();
    bias_lock(&s->lock, here);
    s->n++;
    bias_unlock(&s->lock, here);
}

static void count_with_both(struct shared *s)
{
    struct m *here = rt_m();
    bias_lock_nth(&s->second, here, 0);
    bias_lock_nth(&s->lock, here, 1);
    s->n++;
    bias_unlock_nth(&s->second, here, 0);
    bias_unlock_nth(&s->lock, here, 1);
}

static void hammer(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < s->turns; i++) {
        if (i % 5)
            count(s);
        else
            count_with_both(s);
        if (i % 2000 == 0) /* now and then the bias has time to come back */
            go_yield();
    }
}

static void *plain_hammer(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < s->turns / 20; i++) {
        count(s);
        sched_pause();
    }
    return NULL;
}

IN_GO(bias, lock_counts_exactly)
{
    struct shared s = {.turns = ROUNDS(20000)};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, plain_hammer, &s) == 0);
    for (int i = 0; i < 6; i++)
        start(hammer, &s);
    finish();
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(s.n == 6 * s.turns + s.turns / 20);
}

static void *plain_count(void *arg)
{
    count(arg);
    return NULL;
}

static void count_in_a_plain_thread(struct shared *s)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, plain_count, s) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

IN_GO(bias, comes_with_use_and_goes_with_another_user)
{
    struct shared s = {.turns = 0};
    go_lock_thread(); /* one M all the time */
    int soon = go_maxprocs(0) == 1 ? 1 : BIAS_AFTER;
    for (int i = 0; i < soon; i++) {
        CHECK(!(s.lock.word & BIASED));
        count(&s);
    }
    CHECK(s.lock.word == bias_word(rt_m()));
    count(&s);
    CHECK(s.lock.word == bias_word(rt_m()));
    count_in_a_plain_thread(&s);
    for (int i = 0; i < BIAS_AGAIN_AFTER; i++) {
        CHECK(!(s.lock.word & BIASED));
        count(&s);
    }
    CHECK(s.lock.word == bias_word(rt_m()));
    CHECK(s.n == soon + 2 + BIAS_AGAIN_AFTER);
    go_unlock_thread();
}

/* More than have a slot. */
IN_GO(bias, many_are_held_at_once)
{
    enum { N = HOLDING_MAX + 2 };
    struct bias_lock lock[N] = {{0}};
    struct m *here = rt_m();
    for (int round = 0; round < 2 * BIAS_AFTER; round++) {
        for (unsigned i = 0; i < N; i++)
            bias_lock_nth(&lock[i], here, i);
        for (unsigned i = 0; i < N; i++)
            bias_unlock_nth(&lock[i], here, i);
    }
    for (unsigned i = 0; i < N; i++)
        CHECK(!(lock[i].word & 1u) && (i >= HOLDING_MAX || lock[i].word == bias_word(here)));
}
