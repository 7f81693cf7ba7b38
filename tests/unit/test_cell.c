/* test_cell.c - states of words: what is kept, what is dropped, and that no record is lost or freed
 * too early while threads change the same words. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "cell.h"
#include "rand.h"
#include "rc_double.h"
#include "shadow.h"

void __tsan_read1(void *), __tsan_read4(void *), __tsan_read8(void *);
void __tsan_write1(void *), __tsan_write4(void *), __tsan_write8(void *);
uint64_t __tsan_atomic64_fetch_add(volatile uint64_t *, uint64_t, int);
uint64_t __tsan_atomic64_load(const volatile uint64_t *, int);

static uint64_t words[256];
static char object[8];

static struct rc_ctx *make(uint64_t id)
{
    return rc_ctx_make(rc_current(), RC_GOROUTINE, id, 1, NULL, 0);
}

static uint32_t accesses_of(void *p)
{
    const uint64_t *cell = shadow_cell(shadow_get((uintptr_t)p), (uintptr_t)p);
    return cell[0] == 0 ? 0 : cell[1] & SITE_PAST ? past_of(cell[1])->n : 1;
}

Test(cell, a_flow_alone_keeps_one_access_a_word)
{
    rc_init(NULL);
    for (int i = 0; i < 10; i++) {
        __tsan_write8(&words[0]);
        rc_release(rc_current(), object);
    }
    cr_assert_eq(accesses_of(&words[0]), 1);
}

Test(cell, a_read_does_not_replace_the_write)
{
    rc_init(NULL);
    __tsan_write8(&words[0]);
    rc_release(rc_current(), object);
    __tsan_read8(&words[0]);
    cr_assert_eq(accesses_of(&words[0]), 2);
    rc_release(rc_current(), object);
    __tsan_read8(&words[0]);
    cr_assert_eq(accesses_of(&words[0]), 2, "but the earlier read");
    __tsan_write8(&words[0]);
    cr_assert_eq(accesses_of(&words[0]), 1, "and a write replaces both");
}

static __attribute__((noinline)) void write_low(void *p)
{
    __tsan_write4(p);
    __asm__ volatile("");
}

Test(cell, both_halves_keep_their_own_place)
{
    rc_init(NULL);
    write_low(&words[0]);
    __tsan_write4((char *)&words[0] + 4);
    cr_assert_eq(accesses_of(&words[0]), 2);
    __tsan_write8(&words[0]);
    cr_assert_eq(accesses_of(&words[0]), 2, "the same epoch: nothing new");
    rc_release(rc_current(), object);
    __tsan_write8(&words[0]);
    cr_assert_eq(accesses_of(&words[0]), 1);
}

Test(cell, an_access_takes_the_place_of_smaller_ones_of_its_epoch)
{
    rc_init(NULL);
    __tsan_write8(&words[0]);
    struct rc_ctx *c = make(7), *other = make(8);
    rc_switch(c);
    __tsan_read1((char *)&words[0] + 1);
    __tsan_read4((char *)&words[0] + 4);
    cr_assert_eq(accesses_of(&words[0]), 3, "the creator's write and two reads");
    __tsan_read8(&words[0]);
    cr_assert_eq(accesses_of(&words[0]), 2, "the write and the read of all");
    rc_switch(other);
    __tsan_write1((char *)&words[0] + 1);
    cr_assert_eq(n_reports, 1, "the small read's byte still races");
}

Test(cell, sliding_reads_share_their_states)
{
    static uint64_t many[2048];
    rc_init(NULL);
    for (int i = 0; i < 2048; i++)
        __tsan_write8(&many[i]);
    rc_switch(make(7));
    for (size_t at = 0; at + 8 < sizeof many; at++) {
        __tsan_read4((char *)many + at);
        __tsan_read8((char *)many + at);
    }
    cr_assert_leq(cell_pasts(), 200, "%zu records for 2048 words", cell_pasts());
    cr_assert_eq(n_reports, 0);
}

/* What is found of an access to the one word, in a state that is a free by c among others. */
static struct found found_by(const struct access *a, struct entry *state)
{
    struct found found = {.n = 0};
    struct rc_thread was = rc_enter();
    *state = cell_next(*state, a, &found);
    rc_leave(was);
    return found;
}

static bool has_free(struct entry state)
{
    bool many = (state.site & SITE_PAST) != 0, has = false;
    const struct entry *e = many ? past_of(state.site)->e : &state;
    for (uint32_t i = 0; i < (many ? past_of(state.site)->n : 1); i++)
        has |= (e[i].site & SITE_FREE) != 0;
    return has;
}

Test(cell, a_free_is_found_by_all_that_its_own_epoch_does_next)
{
    rc_init(NULL);
    struct rc_ctx *c = make(7);
    uint64_t now = c->clock.now.epoch;
    const struct access next[] = {
        {.c = c, .who = now, .masks = w_masks(0xff, true), .site = 1},
        {.c = c, .who = now, .masks = w_masks(0x10, false), .site = 1},
        {.c = c, .who = now | W_ATOMIC, .masks = w_masks(0xff, true), .site = 1},
        {.c = c, .who = now | W_ATOMIC, .masks = w_masks(0x0f, false), .site = 1},
        {.c = c, .who = now, .masks = w_free_masks(0xff), .site = 1 | SITE_FREE},
        {.c = c, .who = now, .masks = w_free_masks(0xff), .site = 2 | SITE_FREE},
    };
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) {
        struct entry state = {now | w_free_masks(0xff), 2 | SITE_FREE};
        struct found found = found_by(&next[i], &state);
        cr_expect(found.n == 1 && (found.e[0].site & SITE_FREE), "after a free alone: %zu", i);
        struct access other = {.c = c, .who = now, .masks = w_masks(0x80, false), .site = 3};
        state = (struct entry){now | w_free_masks(0x7f), 2 | SITE_FREE};
        cr_expect_eq(found_by(&other, &state).n, 0, "to a byte beside the block");
        cr_expect(has_free(state));
        found = found_by(&next[i], &state);
        cr_expect(found.n == 1 && (found.e[0].site & SITE_FREE), "among others: %zu", i);
    }
}

Test(cell, a_free_takes_the_place_of_what_its_own_epoch_did_before)
{
    rc_init(NULL);
    struct rc_ctx *c = make(7);
    uint64_t now = c->clock.now.epoch;
    const struct access release = {
        .c = c, .who = now, .masks = w_free_masks(0xff), .site = 2 | SITE_FREE};
    const struct entry before[] = {
        {now | w_masks(0xff, true), 1},
        {now | w_masks(0x0f, false), 1},
        {now | W_ATOMIC | w_masks(0xff, true), 1},
    };
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct entry state = before[i];
        cr_expect_eq(found_by(&release, &state).n, 0, "%zu", i);
        cr_expect_eq(state.w, now | w_free_masks(0xff), "%zu", i);
        cr_expect_eq(state.site, 2 | SITE_FREE, "%zu", i);
    }
}

Test(cell, a_free_is_of_all_bytes_also_of_those_that_its_own_epoch_wrote)
{
    rc_init(NULL);
    struct rc_ctx *c = make(7);
    uint64_t before = c->clock.now.epoch;
    rc_release(c, object);
    uint64_t now = c->clock.now.epoch;
    struct entry state = {before | w_masks(0xf0, true), 1};
    const struct access low = {.c = c, .who = now, .masks = w_masks(0x0f, true), .site = 2};
    const struct access release = {
        .c = c, .who = now, .masks = w_free_masks(0xff), .site = 3 | SITE_FREE};
    found_by(&low, &state);
    cr_assert(cell_is_alone(state), "two accesses");
    cr_expect_eq(found_by(&release, &state).n, 0);
    cr_expect_eq(state.w, now | w_free_masks(0xff));
    cr_expect_eq(state.site, 3 | SITE_FREE);
}

Test(cell, accesses_of_one_place_are_one)
{
    rc_init(NULL);
    for (volatile int i = 0; i < 8; i++) /* volatile: unrolled it would be eight places */
        __tsan_write1((char *)&words[0] + i);
    cr_assert_eq(accesses_of(&words[0]), 1);
}

Test(cell, equal_words_share_their_past)
{
    rc_init(NULL);
    for (int i = 0; i < 256; i++)
        __tsan_write8(&words[i]);
    struct rc_ctx *c = make(7);
    rc_switch(c);
    for (int i = 0; i < 256; i++)
        __tsan_read8(&words[i]);
    for (int i = 0; i < 256; i++)
        cr_assert_eq(accesses_of(&words[i]), 2);
    cr_assert_leq(cell_pasts(), 3, "%zu records for 256 words", cell_pasts());
    cr_assert_eq(n_reports, 0);
}

Test(cell, a_crowd_of_readers_is_kept_and_found)
{
    static struct rc_ctx *c[3000];
    rc_init(NULL);
    __tsan_write8(&words[0]);
    for (uint64_t i = 0; i < 3000; i++)
        c[i] = make(i);
    for (int round = 0; round < 12; round++)
        for (int i = 0; i < 3000; i++) {
            rc_switch(c[i]);
            __tsan_read8(&words[0]);
            rc_release(c[i], object + round % 3);
        }
    cr_assert_geq(accesses_of(&words[0]), 3001u);
    cr_assert_leq(accesses_of(&words[0]), 6 * 3002u, "doubles are dropped in time");
    struct rc_ctx *w = make(5000);
    for (int i = 0; i < 3000; i++)
        if (i != 1234)
            rc_release_merge(c[i], object + 4);
    rc_acquire(w, object + 4);
    rc_switch(w);
    __tsan_write8(&words[0]);
    cr_assert_eq(n_reports, 1, "the one reader that w is not ordered after");
    cr_assert_eq(reports[0].before.by->id, 1234);
    cr_assert_eq(accesses_of(&words[0]), 1);
}

Test(cell, a_crowd_at_an_atomic_counter_is_kept_and_found)
{
    static struct rc_ctx *c[500];
    rc_init(NULL);
    for (uint64_t i = 0; i < 500; i++)
        c[i] = make(i);
    for (uint64_t i = 0; i < 500; i++) {
        rc_switch(c[i]);
        __tsan_atomic64_fetch_add(&words[0], 1, __ATOMIC_RELAXED);
    }
    cr_assert_eq(n_reports, 0);
    cr_assert_eq(accesses_of(&words[0]), 500);
    struct rc_ctx *r = make(5000);
    for (int i = 0; i < 500; i++)
        if (i != 77)
            rc_release_merge(c[i], object);
    rc_acquire(r, object);
    rc_switch(r);
    __tsan_read8(&words[0]);
    cr_assert_eq(n_reports, 1);
    cr_assert_eq(reports[0].before.by->id, 77);
}

/* ---- threads ---- */

enum { THREADS = 4, STEPS = 60000 };

static pthread_mutex_t mutex[8] = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

static void touch(struct rt_rand *r, char *p, bool write)
{
    static void (*const reads[])(void *) = {__tsan_read1, __tsan_read4, __tsan_read8};
    static void (*const writes[])(void *) = {__tsan_write1, __tsan_write4, __tsan_write8};
    unsigned k = rand_below(r, 3);
    p += k == 0 ? rand_below(r, 8) : k == 1 ? rand_below(r, 2) * 4 : 0;
    (write ? writes : reads)[k](p);
}

/* Words 0..63 belong to mutexes, 64..127 are only read, 128..135 are atomic, from 136 on it races.
 * */
static void stress_step(struct rc_ctx *c, struct rt_rand *r, bool with_races)
{
    unsigned what = rand_below(r, 8), i = rand_below(r, 64);
    if (what < 4) {
        pthread_mutex_t *m = &mutex[i % 8];
        pthread_mutex_lock(m);
        rc_acquire(c, m);
        for (int k = 0; k < 3; k++)
            touch(r, (char *)&words[i % 8 + 8 * rand_below(r, 8)], rand_below(r, 2));
        rc_release(c, m);
        pthread_mutex_unlock(m);
    } else if (what < 6) {
        for (unsigned k = 0; k < 8; k++)
            touch(r, (char *)&words[64 + (i + k) % 64], false);
    } else if (what < 7) {
        static const int order[] = {__ATOMIC_RELAXED, __ATOMIC_ACQ_REL};
        __tsan_atomic64_fetch_add(&words[128 + i % 8], 1, order[i & 1]);
        __tsan_atomic64_load(&words[128 + i % 8], __ATOMIC_ACQUIRE);
    } else if (with_races) {
        touch(r, (char *)&words[136 + i % 4], rand_below(r, 2));
    }
}

struct job {
    struct rc_ctx *c;
    uint64_t seed;
    bool with_races;
};

static void *stress(void *arg)
{
    struct job *j = arg;
    struct rt_rand r = {j->seed};
    rc_switch(j->c);
    for (int i = 0; i < STEPS; i++)
        stress_step(j->c, &r, j->with_races);
    rc_switch(NULL);
    rc_thread_fini();
    return NULL;
}

static void run_stress(bool with_races)
{
    pthread_t t[THREADS];
    struct job job[THREADS];
    rc_init(NULL);
    for (int i = 0; i < 256; i++)
        __tsan_write8(&words[i]);
    for (unsigned i = 0; i < THREADS; i++) {
        job[i] = (struct job){make(i), i + 1, with_races};
        pthread_create(&t[i], NULL, stress, &job[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    rc_forget(words, sizeof words);
    rc_thread_fini();
    cr_assert_eq(cell_pasts(), 0, "%zu records leaked", cell_pasts());
}

Test(cell, threads_under_locks_have_no_race_and_leak_no_record)
{
    run_stress(false);
    cr_assert_eq(n_reports, 0);
}

Test(cell, threads_that_race_leak_no_record)
{
    run_stress(true);
    cr_assert_gt(n_reports, 0);
}
