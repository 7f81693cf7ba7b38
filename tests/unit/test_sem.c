/* test_sem.c - weighted semaphores: counting, order, overflow, lifetime. */
#include "in_go.h"

IN_GO(sem, tryacquire_takes_what_is_there)
{
    go_sem s = GO_SEM_INIT(3), zero = {0};
    CHECK(!go_sem_tryacquire(&zero, 1) && go_sem_tryacquire(&zero, 0));
    CHECK(go_sem_tryacquire(&s, 2) && !go_sem_tryacquire(&s, 2) && go_sem_tryacquire(&s, 1));
    go_sem_release(&s, 5);
    CHECK(go_sem_tryacquire(&s, 5) && s.free_ == 0);
}

static void acquire_minus(void *s)
{
    go_sem_acquire(s, -1);
}

static void release_too_many(void *s)
{
    go_sem_release(s, INT64_MAX);
    go_sem_release(s, INT64_MAX);
}

IN_GO(sem, impossible_numbers_panic)
{
    go_sem s = GO_SEM_INIT(0), t = GO_SEM_INIT(0);
    CHECK_TEXT(go_recover(acquire_minus, &s), "semaphore: negative number of units");
    CHECK_TEXT(go_recover(release_too_many, &t), "semaphore: too many units released");
}

struct crowd {
    go_sem sem;
    int64_t inside, most; /* atomic: units held */
};

struct member {
    struct crowd *c;
    int units;
};

static void come_in(void *arg)
{
    struct member *m = arg;
    for (int i = 0; i < ROUNDS(300); i++) {
        if (i % 4 == 3) {
            if (!go_sem_tryacquire(&m->c->sem, m->units))
                continue;
        } else {
            go_sem_acquire(&m->c->sem, m->units);
        }
        CHECK(__atomic_add_fetch(&m->c->inside, m->units, __ATOMIC_RELAXED) <= 10);
        if (i % 5 == 0)
            go_yield();
        __atomic_sub_fetch(&m->c->inside, m->units, __ATOMIC_RELAXED);
        go_sem_release(&m->c->sem, m->units);
    }
}

IN_GO(sem, never_more_inside_than_units)
{
    struct crowd c = {.sem = GO_SEM_INIT(10)};
    struct member m[10];
    for (int i = 0; i < 10; i++) {
        m[i] = (struct member){&c, 1 + i};
        start(come_in, &m[i]);
    }
    finish();
    CHECK(c.sem.free_ == 10 && !c.sem.head_);
}

static go_sem line;
static char trail[8];

static void take_units(void *arg)
{
    int n = *(int *)arg;
    go_sem_acquire(&line, n);
    trail[strlen(trail)] = (char)('0' + n);
}

static int order_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static int want[] = {4, 1, 3};
    go_maxprocs(1);
    for (int i = 0; i < 3; i++) {
        start(take_units, &want[i]);
        settle();
    }
    go_sem_release(&line, 3); /* enough for 1 and 3, but 4 came first */
    settle();
    CHECK(!trail[0] && !go_sem_tryacquire(&line, 1));
    go_sem_release(&line, 1);
    settle();
    CHECK_TEXT(trail, "4");
    go_sem_release(&line, 1);
    settle();
    CHECK_TEXT(trail, "41");
    go_sem_release(&line, 4);
    finish();
    CHECK_TEXT(trail, "413");
    CHECK(line.free_ == 1);
    return 0;
}

Test(sem, first_come_first_served, .disabled = NOT_ONE_BY_ONE)
{
    cr_assert_eq(go_run(order_main, 0, NULL), 0);
}

/* ---- lifetime ---- */

enum { POISON = 0xa5 };

static void release_one(void *s)
{
    go_sem_release(s, 1);
}

/* Whoever has got the last unit writes over the semaphore (glibc's sem_post, bug 12674). */
IN_GO(sem, memory_is_free_once_acquired)
{
    for (int round = 0; round < ROUNDS(4000); round++) {
        go_sem *s = calloc(1, sizeof *s);
        CHECK(s);
        start(release_one, s);
        if (round % 2)
            go_sem_acquire(s, 1);
        else
            while (!go_sem_tryacquire(s, 1))
                go_yield();
        memset(s, POISON, sizeof *s);
        finish();
        for (size_t i = 0; i < sizeof *s; i++)
            CHECK(((unsigned char *)s)[i] == POISON);
        free(s);
    }
}
