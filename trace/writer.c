/* writer.c - events into a stream: the path that must be short.
 *
 * An event is: look whether the stream has room (one compare each for recording and space), read
 * the counter, put the arguments behind the place of the head, the time behind them, and commit by
 * storing the new length into the chunk's header.  Nothing is shared and nothing is atomic beyond
 * an ordinary aligned store.
 *
 * What the stream knows is left out of the record: the goroutine started last, the processor taken
 * last.  Goroutine ids are differences, objects and functions pass through a small cache of keys,
 * so a typical event has 3 to 5 bytes: fewer bytes are fewer pages of the file.
 *
 * The order of steps is what makes it cheap.  Reading the counter takes 9 to 12 ns, but the
 * processor does some hundred other instructions meanwhile, if they need not wait for it - and the
 * next reading waits until it knows where all stores before it go.  So a record is put where no
 * address depends on its own time: the counter is read first, and the time, whose length depends on
 * it, stands last.  Then an event takes hardly longer than the reading; with the time in front of
 * the arguments it took 7 ns more (EPYC, tests/trace/bench_event.c).
 *
 * Rejected: fixed 8- or 16-byte records (as fast, twice the file); a word of commitment per record
 * (what `used` does at no cost); one timestamp for several events (wrong for the time between a
 * block and the next start, which is the scheduler's own cost). */
#include "record.h"
#include "walks.h"

enum { FRAMES_OWN = 2 }; /* the innermost frames are walk() and the event's function here */

#define INLINE static inline __attribute__((always_inline))

/* For the functions of the events that come often: they begin a line of the cache, and have no
 * frame where they need none. */
#ifdef __clang__
#define HOT __attribute__((aligned(64)))
#else
#define HOT __attribute__((aligned(64), optimize("omit-frame-pointer")))
#endif

/* A record that is being put. */
struct draft {
    uint64_t now; /* the counter, in units, when it was begun */
    unsigned head;
    uint8_t *at; /* where the next argument goes */
};

/* May the next record go to s as it is? */
INLINE bool has_room(const struct tr_stream *s)
{
    /* relaxed: a recording that ends or begins just now takes or leaves this event, all the same */
    return likely(s && s->gen == at_load_rlx(&tr_on) && s->pos < s->limit);
}

/* Room for a record in s, or another stream, or NULL. */
INLINE struct tr_stream *enter(struct tr_stream *s)
{
    return has_room(s) ? s : tr_enter_slow(s);
}

INLINE void leave(const struct tr_stream *s)
{
    if (unlikely(s->shared))
        tr_leave_shared();
}

INLINE struct draft begin(const struct tr_stream *s, unsigned type)
{
    return (struct draft){.now = clock_ticks() >> s->shift, .head = type, .at = s->pos + 1};
}

INLINE void put_leb(struct draft *d, uint64_t v)
{
    d->at = tr_put_leb(d->at, v);
}

INLINE void put_g(struct tr_stream *s, struct draft *d, uint64_t g)
{
    uint64_t z = tr_zigzag(g - s->last_g);
    s->last_g = g;
    put_leb(d, z);
}

INLINE void put_key(struct tr_stream *s, struct draft *d, uint64_t key)
{
    uint32_t slot = tr_key_slot(key);
    if (likely(s->keys[slot] == key)) {
        *d->at++ = (uint8_t)slot;
        return;
    }
    s->keys[slot] = key;
    *d->at++ = TR_KEY_NEW;
    memcpy(d->at, &key, sizeof(key));
    d->at += sizeof(key);
}

/* The beginning of a record about g, whom it names unless the stream knows. */
INLINE struct draft begin_about_g(struct tr_stream *s, unsigned type, uint64_t g)
{
    struct draft d = begin(s, type);
    if (g != s->cur_g) {
        d.head |= TR_HEAD_X;
        put_g(s, &d, g);
    }
    return d;
}

INLINE struct draft begin_about_p(struct tr_stream *s, unsigned type, uint32_t proc)
{
    struct draft d = begin(s, type);
    if ((int32_t)proc != s->cur_p) {
        d.head |= TR_HEAD_X;
        put_leb(&d, proc);
    }
    return d;
}

/* Puts head and time, and the record counts. */
INLINE void commit(struct tr_stream *s, const struct draft *d)
{
    uint64_t dt = d->now - s->last, code = 3;
    if (likely(dt >> 24 == 0)) {
        code = (uint64_t)(dt > 0xff) + (dt > 0xffff);
    } else if ((int64_t)dt < 0) { /* another core's counter is behind: time stands still */
        dt = 0;
        code = 0;
    }
    s->last += dt;
    dt &= TR_TIME_MAX;
    memcpy(d->at, &dt, sizeof(dt));
    *s->pos = (uint8_t)(d->head | code << 6);
    uint8_t *p = d->at + (likely(code < 3) ? code + 1 : 7);
    s->pos = p;
    /* [commit] the record counts from here on, for who reads the file */
    at_store_rel(&s->chunk->used, (uint32_t)(p - (uint8_t *)s->chunk));
}

/* For events that are rare. */
static inline void finish(struct tr_stream *s, const struct draft *d)
{
    commit(s, d);
    leave(s);
}

/* For those that are not, tr_NAME() is made of put_NAME(), which is for a stream that has room. */
#define EVENT(name, params, args)                            \
    static __attribute__((noinline)) void name##_slow params \
    {                                                        \
        if (!(s = tr_enter_slow(s)))                         \
            return;                                          \
        put_##name args;                                     \
        leave(s);                                            \
    }                                                        \
    HOT void tr_##name params                                \
    {                                                        \
        if (has_room(s))                                     \
            put_##name args;                                 \
        else                                                 \
            name##_slow args;                                \
    }

/* A number of the dictionary and the recording that ran before it was looked up. */
struct number {
    uint32_t id, gen;
};

/* What number means in s's chunk: 0 when another recording has begun since it was looked up, whose
 * dictionary does not have it.  Requires: enter() has come between. */
static inline uint32_t number_in(const struct tr_stream *s, struct number number)
{
    return s->gen == number.gen ? number.id : 0;
}

/* The stack of the frame at, the caller's caller, by a walk.  A number that a turn of the
 * dictionary's tables has made a later recording's is learned under gen, which by then has passed
 * and does not come again. */
static __attribute__((noinline)) uint32_t walk(struct tr_stream *s, const struct tr_place *at,
                                               uint32_t gen)
{
    uintptr_t pcs[TR_STACK_MAX];
    uint32_t max = at_load_rlx(&tr_rec.stack_max); /* relaxed: a setting */
    size_t n = max ? unwind_here(pcs, max, FRAMES_OWN) : 0;
    uint32_t id = n ? tr_dict_stack(pcs, n) : 0;
    at_fence_acq(); /* [looked-up] enter() reads tr_on after the dictionary was read */
    if (id && s && s->walks)
        tr_walks_learn(s->walks, at, pcs, n, max, id, gen);
    return id;
}

/* f, a caller of this thread, whose goroutine s knows. */
INLINE struct tr_place place_of(const struct tr_stream *s, struct unwind_frame f)
{
    return (struct tr_place){.f = f, .depth = (s ? s->top : 0) - f.sp};
}

/* The number of the stack of a caller of this thread. */
INLINE struct number stack_of(struct tr_stream *s, const struct tr_place *at)
{
    uint32_t gen = at_load_acq(&tr_on); /* [looked-up] before the dictionary */
    uint32_t id = likely(s && s->walks) ? tr_walks_find(s->walks, at, gen) : 0;
    return (struct number){likely(id) ? id : walk(s, at, gen), gen};
}

/* That of a stack that is known already. */
static struct number stack_number(const uintptr_t *pcs, size_t n)
{
    struct number number = {.gen = at_load_acq(&tr_on)}; /* [looked-up] before the dictionary */
    uint32_t max = at_load_rlx(&tr_rec.stack_max);       /* relaxed: a setting */
    n = n < max ? n : max;
    number.id = n ? tr_dict_stack(pcs, n) : 0;
    at_fence_acq(); /* [looked-up] likewise */
    return number;
}

static struct number string_number(const char *text)
{
    struct number number = {.gen = at_load_acq(&tr_on)}; /* [looked-up] before the dictionary */
    number.id = tr_dict_string(text);
    at_fence_acq(); /* [looked-up] likewise */
    return number;
}

/* Has s's recording a number for the stack of a caller of this thread, without a walk?
 * Requires: s has room. */
INLINE bool knows_stack(const struct tr_stream *s, const struct tr_place *at, uint32_t *ret)
{
    *ret = 0;
    if (!s->stacks)
        return true;
    return s->walks && likely(*ret = tr_walks_find(s->walks, at, s->gen));
}

INLINE void put_go_create(struct tr_stream *s, uint64_t g, uint64_t by, const void *fn,
                          uint32_t stack)
{
    struct draft d = begin_about_g(s, TR_EV_GO_CREATE, by);
    put_g(s, &d, g);
    put_key(s, &d, (uintptr_t)fn & TR_KEY_OBJ_MASK);
    put_leb(&d, stack);
    commit(s, &d);
}

HOT void tr_go_create(struct tr_stream *s, uint64_t g, uint64_t by, const void *fn)
{
    struct tr_place at = place_of(s, UNWIND_CALLER());
    uint32_t known;
    if (has_room(s) && knows_stack(s, &at, &known))
        return put_go_create(s, g, by, fn, known);
    struct number stack = stack_of(s, &at);
    if (!(s = enter(s)))
        return;
    put_go_create(s, g, by, fn, number_in(s, stack));
    leave(s);
}

INLINE void put_go_start(struct tr_stream *s, uint64_t g, uint32_t proc, const void *top)
{
    s->top = (uintptr_t)top;
    struct draft d = begin_about_p(s, TR_EV_GO_START, proc);
    put_g(s, &d, g);
    s->cur_g = g;
    commit(s, &d);
}
EVENT(go_start, (struct tr_stream * s, uint64_t g, uint32_t proc, const void *top),
      (s, g, proc, top))

/* g does not run any more: neither does the stream know one. */
INLINE void forget_g(struct tr_stream *s, uint64_t g)
{
    if (s->cur_g == g)
        s->cur_g = 0;
}

INLINE void put_go_end(struct tr_stream *s, uint64_t g)
{
    struct draft d = begin_about_g(s, TR_EV_GO_END, g);
    forget_g(s, g);
    commit(s, &d);
}
EVENT(go_end, (struct tr_stream * s, uint64_t g), (s, g))

INLINE void put_go_yield(struct tr_stream *s, uint64_t g)
{
    struct draft d = begin_about_g(s, TR_EV_GO_YIELD, g);
    forget_g(s, g);
    commit(s, &d);
}
EVENT(go_yield, (struct tr_stream * s, uint64_t g), (s, g))

static inline uint64_t wait_key(enum tr_reason why, const void *obj)
{
    return (uint64_t)why << TR_KEY_WHY_SHIFT | ((uintptr_t)obj & TR_KEY_OBJ_MASK);
}

INLINE void put_go_block(struct tr_stream *s, uint64_t g, enum tr_reason why, const void *obj,
                         uint32_t stack)
{
    struct draft d = begin_about_g(s, TR_EV_GO_BLOCK, g);
    put_key(s, &d, wait_key(why, obj));
    put_leb(&d, stack);
    forget_g(s, g);
    commit(s, &d);
}

HOT void tr_go_block(struct tr_stream *s, uint64_t g, enum tr_reason why, const void *obj)
{
    struct tr_place at = place_of(s, UNWIND_CALLER());
    uint32_t known;
    if (has_room(s) && knows_stack(s, &at, &known))
        return put_go_block(s, g, why, obj, known);
    struct number stack = stack_of(s, &at);
    if (!(s = enter(s)))
        return;
    put_go_block(s, g, why, obj, number_in(s, stack));
    leave(s);
}

INLINE void put_go_ready(struct tr_stream *s, uint64_t g, uint64_t by, enum tr_reason why,
                         const void *obj, uint32_t stack)
{
    struct draft d = begin_about_g(s, TR_EV_GO_READY, by);
    put_g(s, &d, g);
    put_key(s, &d, wait_key(why, obj));
    put_leb(&d, stack);
    commit(s, &d);
}

HOT void tr_go_ready(struct tr_stream *s, uint64_t g, uint64_t by, enum tr_reason why,
                     const void *obj)
{
    struct tr_place at = place_of(s, UNWIND_CALLER());
    uint32_t known = 0;
    if (has_room(s) && (!by || knows_stack(s, &at, &known)))
        return put_go_ready(s, g, by, why, obj, known);
    struct number stack = by ? stack_of(s, &at) : (struct number){0};
    if (!(s = enter(s)))
        return;
    put_go_ready(s, g, by, why, obj, number_in(s, stack));
    leave(s);
}

void tr_go_name(struct tr_stream *s, uint64_t g, const char *name)
{
    struct number text = string_number(name);
    if (!text.id || !(s = enter(s)))
        return;
    if (!number_in(s, text)) { /* a recording that has just begun knows no older names */
        leave(s);
        return;
    }
    struct draft d = begin_about_g(s, TR_EV_GO_NAME, g);
    put_leb(&d, text.id);
    finish(s, &d);
}

void tr_go_state(struct tr_stream *s, uint64_t g, enum tr_go_state state, enum tr_reason why,
                 const void *obj, const void *fn)
{
    if (!(s = enter(s)))
        return;
    struct draft d = begin(s, TR_EV_GO_STATE);
    put_g(s, &d, g);
    put_leb(&d, state);
    put_key(s, &d, wait_key(why, obj));
    put_leb(&d, 0);
    put_key(s, &d, (uintptr_t)fn & TR_KEY_OBJ_MASK);
    if (state == TR_STATE_RUNNING)
        s->cur_g = g;
    finish(s, &d);
}

void tr_go_here(struct tr_stream *s, uint64_t g, int32_t proc, const void *fn)
{
    if (!s || !(s = enter(s)))
        return;
    if (proc >= 0 && s->cur_p < 0)
        tr_p_start(s, (uint32_t)proc);
    if (!s->cur_g)
        tr_go_state(s, g, TR_STATE_RUNNING, TR_NONE, NULL, fn);
}

void tr_p_start(struct tr_stream *s, uint32_t proc)
{
    if (!(s = enter(s)))
        return;
    struct draft d = begin(s, TR_EV_P_START);
    put_leb(&d, proc);
    s->cur_p = (int32_t)proc;
    finish(s, &d);
}

void tr_p_stop(struct tr_stream *s, uint32_t proc)
{
    if (!(s = enter(s)))
        return;
    struct draft d = begin_about_p(s, TR_EV_P_STOP, proc);
    if (s->cur_p == (int32_t)proc)
        s->cur_p = -1;
    finish(s, &d);
}

/* A record of type whose arguments are a and, if there are two, b. */
static void put_numbers(struct tr_stream *s, unsigned type, unsigned n, uint64_t a, uint64_t b)
{
    if (!(s = enter(s)))
        return;
    struct draft d = begin(s, type);
    if (n > 0)
        put_leb(&d, a);
    if (n > 1)
        put_leb(&d, b);
    finish(s, &d);
}

void tr_p_steal(struct tr_stream *s, uint32_t from, uint32_t n)
{
    put_numbers(s, TR_EV_P_STEAL, 2, from, n);
}

void tr_p_retake(struct tr_stream *s, uint32_t proc, uint32_t m)
{
    put_numbers(s, TR_EV_P_RETAKE, 2, proc, m);
}

void tr_m_park(struct tr_stream *s)
{
    put_numbers(s, TR_EV_M_PARK, 0, 0, 0);
}

void tr_m_unpark(struct tr_stream *s)
{
    put_numbers(s, TR_EV_M_UNPARK, 0, 0, 0);
}

void tr_procs(struct tr_stream *s, uint32_t n)
{
    put_numbers(s, TR_EV_PROCS, 1, n, 0);
}

void tr_note_m(struct tr_stream *s, bool start)
{
    put_numbers(s, start ? TR_EV_M_START : TR_EV_M_STOP, start, s->tid, 0);
}

static uint64_t side_bits(const struct tr_side *side)
{
    return side->size | (side->addr & 7) << TR_SIDE_FIRST_SHIFT |
           (side->write ? TR_SIDE_WRITE : 0) | (side->atomic ? TR_SIDE_ATOMIC : 0) |
           (side->free ? TR_SIDE_FREE : 0);
}

/* How long before record d, in units, + 1; 0: not known. */
static uint64_t ago(const struct tr_stream *s, const struct draft *d, uint64_t ticks)
{
    uint64_t then = ticks >> s->shift, now = d->now > s->last ? d->now : s->last;
    return ticks == 0 ? 0 : then < now ? now - then + 1 : 1;
}

void tr_race(struct tr_stream *s, const struct tr_side *now, const struct tr_side *before,
             uint64_t after, uint64_t until)
{
    struct number at = stack_number(now->pcs, now->n_pcs);
    struct number at_before = stack_number(before->pcs, before->n_pcs);
    if (!(s = enter(s)))
        return;
    struct draft d = begin_about_g(s, TR_EV_RACE, now->g);
    put_g(s, &d, before->g);
    put_key(s, &d, now->addr & TR_KEY_OBJ_MASK);
    put_leb(&d, side_bits(now) | side_bits(before) << TR_SIDE_BITS);
    put_leb(&d, number_in(s, at));
    put_leb(&d, number_in(s, at_before));
    put_leb(&d, ago(s, &d, after));
    put_leb(&d, ago(s, &d, until));
    finish(s, &d);
}

/* A record about g whose arguments are n numbers, and then texts of the dictionary. */
static void put_mark(struct tr_stream *s, unsigned type, uint64_t g, unsigned n,
                     const uint64_t *numbers, unsigned n_texts, const struct number *texts)
{
    if (!(s = enter(s)))
        return;
    struct draft d = begin_about_g(s, type, g);
    for (unsigned i = 0; i < n; i++)
        put_leb(&d, numbers[i]);
    for (unsigned i = 0; i < n_texts; i++)
        put_leb(&d, number_in(s, texts[i]));
    finish(s, &d);
}

void tr_task_begin(struct tr_stream *s, uint64_t g, uint64_t task, uint64_t parent,
                   const char *name)
{
    struct number text = string_number(name);
    put_mark(s, TR_EV_TASK_BEGIN, g, 2, (uint64_t[]){task, parent}, 1, &text);
}

void tr_task_end(struct tr_stream *s, uint64_t g, uint64_t task)
{
    put_mark(s, TR_EV_TASK_END, g, 1, &task, 0, NULL);
}

void tr_region_begin(struct tr_stream *s, uint64_t g, uint64_t task, const char *name)
{
    struct number text = string_number(name);
    put_mark(s, TR_EV_REGION_BEGIN, g, 1, &task, 1, &text);
}

void tr_region_end(struct tr_stream *s, uint64_t g, uint64_t task, const char *name)
{
    struct number text = string_number(name);
    put_mark(s, TR_EV_REGION_END, g, 1, &task, 1, &text);
}

void tr_log(struct tr_stream *s, uint64_t g, uint64_t task, const char *category,
            const char *message)
{
    const struct number texts[] = {string_number(category), string_number(message)};
    put_mark(s, TR_EV_LOG, g, 1, &task, 2, texts);
}
