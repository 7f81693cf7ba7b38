/* writer.c - events into a stream: the path that must be short.
 *
 * An event is: look whether the stream has room (one compare each for recording and space), read
 * the counter, put head and time into one register, store its eight bytes, add the arguments, and
 * commit by storing the new length into the chunk's header.  Nothing is shared and nothing is
 * atomic beyond an ordinary aligned store.  About a dozen instructions beside rdtsc.
 *
 * What the stream knows is left out of the record: the goroutine started last, the processor taken
 * last.  Goroutine ids are differences, objects and functions pass through a small cache of keys,
 * so a typical event has 3 to 5 bytes: fewer bytes are fewer page faults on the file, which is
 * where the time goes that rdtsc leaves.
 *
 * Rejected: fixed 8- or 16-byte records (as fast, twice the file and its page faults); a word of
 * commitment per record (what `used` does at no cost); one timestamp for several events (wrong for
 * the time between a block and the next start, which is the scheduler's own cost). */
#include "record.h"
#include "walks.h"

enum { FRAMES_OWN = 2 }; /* the innermost frames are walk() and the event's function here */

/* Room for a record in s, or another stream, or NULL. */
static inline struct tr_stream *enter(struct tr_stream *s)
{
    /* relaxed: a recording that ends or begins just now takes or leaves this event, all the same */
    if (likely(s && s->gen == at_load_rlx(&tr_on) && s->pos < s->limit))
        return s;
    return tr_enter_slow(s);
}

/* Puts head and time at s->pos; returns where the arguments go. */
static inline uint8_t *put_head(struct tr_stream *s, uint64_t head)
{
    uint64_t now = clock_ticks() >> s->shift;
    uint64_t dt = now - s->last;
    if (unlikely((int64_t)dt < 0)) /* another core's counter is behind: time stands still */
        dt = 0;
    s->last += dt;
    uint64_t len = (71 - (uint64_t)__builtin_clzll(dt | 1)) >> 3, code = len - 1; /* no branch */
    if (unlikely(len > 3)) {
        len = 7;
        code = 3;
        dt &= TR_TIME_MAX;
    }
    uint64_t w = head | code << 6 | dt << 8;
    memcpy(s->pos, &w, sizeof(w));
    return s->pos + 1 + len;
}

static inline uint8_t *put_g(struct tr_stream *s, uint8_t *p, uint64_t g)
{
    uint64_t z = tr_zigzag(g - s->last_g);
    s->last_g = g;
    return tr_put_leb(p, z);
}

static inline uint8_t *put_key(struct tr_stream *s, uint8_t *p, uint64_t key)
{
    uint32_t slot = tr_key_slot(key);
    if (likely(s->keys[slot] == key)) {
        *p++ = (uint8_t)slot;
        return p;
    }
    s->keys[slot] = key;
    *p++ = TR_KEY_NEW;
    memcpy(p, &key, sizeof(key));
    return p + sizeof(key);
}

static inline void leave(const struct tr_stream *s)
{
    if (unlikely(s->shared))
        tr_leave_shared();
}

static inline void commit(struct tr_stream *s, uint8_t *p)
{
    s->pos = p;
    /* [commit] the record counts from here on, for who reads the file */
    at_store_rel(&s->chunk->used, (uint32_t)(p - (uint8_t *)s->chunk));
    leave(s);
}

/* A record that is only a head and, unless the stream knows it, its context. */
static inline uint8_t *put_about_g(struct tr_stream *s, unsigned type, uint64_t g)
{
    bool known = g == s->cur_g;
    uint8_t *p = put_head(s, type | (known ? 0 : TR_HEAD_X));
    return known ? p : put_g(s, p, g);
}

static inline uint8_t *put_about_p(struct tr_stream *s, unsigned type, uint32_t proc)
{
    bool known = (int32_t)proc == s->cur_p;
    uint8_t *p = put_head(s, type | (known ? 0 : TR_HEAD_X));
    return known ? p : tr_put_leb(p, proc);
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

/* The stack of f, that of the caller's caller.  A number that a turn of the dictionary's tables has
 * made a later recording's is learned under gen, which by then has passed and does not come
 * again. */
static __attribute__((noinline)) uint32_t walk(struct tr_stream *s, const struct unwind_frame *f,
                                               uint32_t gen)
{
    uintptr_t pcs[TR_STACK_MAX];
    uint32_t max = at_load_rlx(&tr_rec.stack_max); /* relaxed: a setting */
    size_t n = max ? unwind_here(pcs, max, FRAMES_OWN) : 0;
    uint32_t id = n ? tr_dict_stack(pcs, n) : 0;
    at_fence_acq(); /* [looked-up] enter() reads tr_on after the dictionary was read */
    if (id && s && s->walks)
        tr_walks_learn(s->walks, f, pcs, n, max, id, gen);
    return id;
}

/* The number of the stack of f, a caller of this thread. */
static inline __attribute__((always_inline)) struct number stack_of(struct tr_stream *s,
                                                                    struct unwind_frame f)
{
    uint32_t gen = at_load_acq(&tr_on); /* [looked-up] before the dictionary */
    uint32_t id = likely(s && s->walks) ? tr_walks_find(s->walks, &f, gen) : 0;
    return (struct number){likely(id) ? id : walk(s, &f, gen), gen};
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

void tr_go_create(struct tr_stream *s, uint64_t g, uint64_t by, const void *fn)
{
    struct number stack = stack_of(s, UNWIND_CALLER());
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_about_g(s, TR_EV_GO_CREATE, by);
    p = put_g(s, p, g);
    p = put_key(s, p, (uintptr_t)fn & TR_KEY_OBJ_MASK);
    commit(s, tr_put_leb(p, number_in(s, stack)));
}

void tr_go_start(struct tr_stream *s, uint64_t g, uint32_t proc)
{
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_about_p(s, TR_EV_GO_START, proc);
    p = put_g(s, p, g);
    s->cur_g = g;
    commit(s, p);
}

/* g does not run any more: neither does the stream know one. */
static inline void forget_g(struct tr_stream *s, uint64_t g)
{
    if (s->cur_g == g)
        s->cur_g = 0;
}

void tr_go_end(struct tr_stream *s, uint64_t g)
{
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_about_g(s, TR_EV_GO_END, g);
    forget_g(s, g);
    commit(s, p);
}

void tr_go_yield(struct tr_stream *s, uint64_t g)
{
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_about_g(s, TR_EV_GO_YIELD, g);
    forget_g(s, g);
    commit(s, p);
}

static inline uint64_t wait_key(enum tr_reason why, const void *obj)
{
    return (uint64_t)why << TR_KEY_WHY_SHIFT | ((uintptr_t)obj & TR_KEY_OBJ_MASK);
}

void tr_go_block(struct tr_stream *s, uint64_t g, enum tr_reason why, const void *obj)
{
    struct number stack = stack_of(s, UNWIND_CALLER());
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_about_g(s, TR_EV_GO_BLOCK, g);
    p = put_key(s, p, wait_key(why, obj));
    p = tr_put_leb(p, number_in(s, stack));
    forget_g(s, g);
    commit(s, p);
}

void tr_go_ready(struct tr_stream *s, uint64_t g, uint64_t by, enum tr_reason why, const void *obj)
{
    struct number stack = by ? stack_of(s, UNWIND_CALLER()) : (struct number){0};
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_g(s, put_about_g(s, TR_EV_GO_READY, by), g);
    p = put_key(s, p, wait_key(why, obj));
    commit(s, tr_put_leb(p, number_in(s, stack)));
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
    uint8_t *p = put_about_g(s, TR_EV_GO_NAME, g);
    commit(s, tr_put_leb(p, text.id));
}

void tr_go_state(struct tr_stream *s, uint64_t g, enum tr_go_state state, enum tr_reason why,
                 const void *obj, const void *fn)
{
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_head(s, TR_EV_GO_STATE);
    p = put_g(s, p, g);
    p = tr_put_leb(p, state);
    p = put_key(s, p, wait_key(why, obj));
    if (state == TR_STATE_RUNNING)
        s->cur_g = g;
    commit(s, put_key(s, tr_put_leb(p, 0), (uintptr_t)fn & TR_KEY_OBJ_MASK));
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
    uint8_t *p = tr_put_leb(put_head(s, TR_EV_P_START), proc);
    s->cur_p = (int32_t)proc;
    commit(s, p);
}

void tr_p_stop(struct tr_stream *s, uint32_t proc)
{
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_about_p(s, TR_EV_P_STOP, proc);
    if (s->cur_p == (int32_t)proc)
        s->cur_p = -1;
    commit(s, p);
}

void tr_p_steal(struct tr_stream *s, uint32_t from, uint32_t n)
{
    if (!(s = enter(s)))
        return;
    commit(s, tr_put_leb(tr_put_leb(put_head(s, TR_EV_P_STEAL), from), n));
}

void tr_p_retake(struct tr_stream *s, uint32_t proc, uint32_t m)
{
    if (!(s = enter(s)))
        return;
    commit(s, tr_put_leb(tr_put_leb(put_head(s, TR_EV_P_RETAKE), proc), m));
}

void tr_m_park(struct tr_stream *s)
{
    if ((s = enter(s)))
        commit(s, put_head(s, TR_EV_M_PARK));
}

void tr_m_unpark(struct tr_stream *s)
{
    if ((s = enter(s)))
        commit(s, put_head(s, TR_EV_M_UNPARK));
}

void tr_procs(struct tr_stream *s, uint32_t n)
{
    if ((s = enter(s)))
        commit(s, tr_put_leb(put_head(s, TR_EV_PROCS), n));
}

static uint64_t side_bits(const struct tr_side *side)
{
    return side->size | (side->addr & 7) << TR_SIDE_FIRST_SHIFT |
           (side->write ? TR_SIDE_WRITE : 0) | (side->atomic ? TR_SIDE_ATOMIC : 0) |
           (side->free ? TR_SIDE_FREE : 0);
}

/* How long before the record that was just begun, in units, + 1; 0: not known. */
static uint64_t ago(const struct tr_stream *s, uint64_t ticks)
{
    uint64_t then = ticks >> s->shift;
    return ticks == 0 ? 0 : then < s->last ? s->last - then + 1 : 1;
}

void tr_race(struct tr_stream *s, const struct tr_side *now, const struct tr_side *before,
             uint64_t after, uint64_t until)
{
    struct number at = stack_number(now->pcs, now->n_pcs);
    struct number at_before = stack_number(before->pcs, before->n_pcs);
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_g(s, put_about_g(s, TR_EV_RACE, now->g), before->g);
    p = put_key(s, p, now->addr & TR_KEY_OBJ_MASK);
    p = tr_put_leb(p, side_bits(now) | side_bits(before) << TR_SIDE_BITS);
    p = tr_put_leb(tr_put_leb(p, number_in(s, at)), number_in(s, at_before));
    commit(s, tr_put_leb(tr_put_leb(p, ago(s, after)), ago(s, until)));
}

void tr_task_begin(struct tr_stream *s, uint64_t g, uint64_t task, uint64_t parent,
                   const char *name)
{
    uint32_t id = tr_dict_string(name);
    if (!(s = enter(s)))
        return;
    uint8_t *p = tr_put_leb(put_about_g(s, TR_EV_TASK_BEGIN, g), task);
    commit(s, tr_put_leb(tr_put_leb(p, parent), id));
}

void tr_task_end(struct tr_stream *s, uint64_t g, uint64_t task)
{
    if ((s = enter(s)))
        commit(s, tr_put_leb(put_about_g(s, TR_EV_TASK_END, g), task));
}

void tr_region_begin(struct tr_stream *s, uint64_t g, uint64_t task, const char *name)
{
    uint32_t id = tr_dict_string(name);
    if ((s = enter(s)))
        commit(s, tr_put_leb(tr_put_leb(put_about_g(s, TR_EV_REGION_BEGIN, g), task), id));
}

void tr_region_end(struct tr_stream *s, uint64_t g, uint64_t task, const char *name)
{
    uint32_t id = tr_dict_string(name);
    if ((s = enter(s)))
        commit(s, tr_put_leb(tr_put_leb(put_about_g(s, TR_EV_REGION_END, g), task), id));
}

void tr_log(struct tr_stream *s, uint64_t g, uint64_t task, const char *category,
            const char *message)
{
    uint32_t about = tr_dict_string(category), text = tr_dict_string(message);
    if (!(s = enter(s)))
        return;
    uint8_t *p = tr_put_leb(put_about_g(s, TR_EV_LOG, g), task);
    commit(s, tr_put_leb(tr_put_leb(p, about), text));
}

void tr_note_m(struct tr_stream *s, bool start)
{
    if (!(s = enter(s)))
        return;
    uint8_t *p = put_head(s, start ? TR_EV_M_START : TR_EV_M_STOP);
    commit(s, start ? tr_put_leb(p, s->tid) : p);
}
