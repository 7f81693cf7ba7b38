/* scenes_life.c - goroutines begin, end, fail, and need stacks of all sizes. */
#include "stress.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

void scene_storm(void)
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

/* ---- panics: texts arrive, deferred calls run in order, nested and by go_exit() too ---- */

struct trip {
    struct random *r;
    int depth, bottom; /* how many frames below, and what happens in the last: see fall() */
    int deferred;      /* calls run: the depth of the latest */
    int caught;
};

static void unwind(struct trip *t, int depth)
{
    HOLD("panics", t->deferred == depth + 1, t->deferred, depth);
    t->deferred = depth;
    if (draw(t->r, 8) == 0)
        go_yield(); /* deferred calls may wait */
}

static void harmless(void *arg)
{
    go_panic("inner %d", *(int *)arg);
}

static void fall(struct trip *t, int depth)
{
    go_defer(unwind, t, depth);
    if (depth < t->depth) {
        fall(t, depth + 1);
        return;
    }
    t->deferred = depth + 1;
    if (draw(t->r, 3) == 0) {
        const char *text = go_recover(harmless, &depth);
        HOLD("panics", text && atoi(text + 6) == depth, depth, 0);
        t->caught++;
    }
    if (t->bottom == 1)
        go_panic("at %d", depth);
    if (t->bottom == 2)
        go_exit();
}

static void fall_in(void *arg)
{
    fall(arg, 1);
}

static void count_one(atomic_long *n)
{
    atomic_fetch_add(n, 1);
}

static void traveller(int n, atomic_long *begun, atomic_long *ended)
{
    struct random r = random_of(1400 + (uint64_t)n);
    atomic_fetch_add(begun, 1);
    struct trip t = {.r = &r, .depth = (int)draw(&r, 12) + 1, .bottom = (int)draw(&r, 3)};
    go_defer(count_one, ended);
    const char *text = go_recover(fall_in, &t);
    HOLD("panics", t.deferred == 1, t.deferred, t.bottom);
    HOLD("panics", (text != NULL) == (t.bottom == 1), text != NULL, t.bottom);
    HOLD("panics", !text || atoi(text + 3) == t.depth, t.depth, 0);
    step();
}

void scene_panics(void)
{
    enum { TRAVELLERS = 6 };
    atomic_long begun = 0, ended = 0;
    for (int round = 0; running(); round++) {
        go_waitgroup wg = {0};
        for (int i = 0; i < TRAVELLERS; i++)
            go_waitgroup_go(&wg, traveller, round * TRAVELLERS + i, &begun, &ended);
        go_waitgroup_wait(&wg);
        HOLD("panics", atomic_load(&begun) == atomic_load(&ended), atomic_load(&begun),
             atomic_load(&ended));
    }
}

/* ---- stacks: of many sizes, used far down; what lies there survives switches ---- */

enum { STACK_MIN = 64 << 10, STACK_DEFAULT = 256 << 10, STACK_USED = 44 << 10 };

static void dig(struct random *r, uintptr_t floor)
{
    volatile unsigned char hole[1024];
    unsigned char left_by = (unsigned char)draw(r, 256);
    for (size_t i = 0; i < sizeof hole; i += 64)
        hole[i] = left_by;
    if ((uintptr_t)hole > floor)
        dig(r, floor);
    else
        go_yield();
    for (size_t i = 0; i < sizeof hole; i += 64)
        HOLD("stacks", hole[i] == left_by, hole[i], left_by);
}

static void digger(uint64_t salt)
{
    struct random r = random_of(1500 + salt);
    dig(&r, (uintptr_t)__builtin_frame_address(0) - STACK_USED);
    step();
}

/* The size is the program's: while it is changed here, others start goroutines too, and all must do
 * with the smallest. */
void scene_stacks(void)
{
    enum { DIGGERS = 5 };
    struct random r = random_of(1500);
    for (uint64_t salt = 1; running(); salt++) {
        go_waitgroup wg = {0};
        for (int i = 0; i < DIGGERS; i++) {
            go_set_stack_size((size_t)STACK_MIN << draw(&r, 5));
            go_waitgroup_go(&wg, digger, salt * DIGGERS + (uint64_t)i);
            go_set_stack_size(STACK_DEFAULT);
        }
        go_waitgroup_wait(&wg);
        go_sleep(GO_MILLISECOND);
    }
}
