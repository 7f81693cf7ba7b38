/* trace_export_go.c - Go's execution trace, version 1 (header "go 1.19 trace"), for go tool trace.
 *
 * That format is a set of batches per P; an event is a byte of type and argument count and then
 * LEB128 numbers, the first of them the time since the event before in the batch.  Go's reader is
 * strict: it wants a sequence number on each start, unblock and return from a system call of a
 * goroutine, and refuses a file in which a P or a goroutine does something that its state does not
 * allow.
 *
 * So the writer keeps its own picture of Gs and Ps, and each event goes through functions that
 * first bring that picture into the state that the event needs (stop what runs on the P, create a
 * goroutine that the recording did not see being created, ...).  Whatever comes in, what goes out
 * is accepted.
 *
 * Times are nanoseconds, strictly increasing over the whole file.  Each P's events are
 * collected and written as a batch when there are enough of them. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "idmap.h"
#include "trace_export.h"

enum go_event {
    EV_BATCH = 1,
    EV_FREQUENCY = 2,
    EV_STACK = 3,
    EV_GOMAXPROCS = 4,
    EV_PROC_START = 5,
    EV_PROC_STOP = 6,
    EV_GO_CREATE = 13,
    EV_GO_START = 14,
    EV_GO_END = 15,
    EV_GO_STOP = 16,
    EV_GO_SCHED = 17,
    EV_GO_SLEEP = 19,
    EV_GO_UNBLOCK = 21,
    EV_GO_BLOCK_SEND = 22,
    EV_GO_BLOCK_RECV = 23,
    EV_GO_BLOCK_SELECT = 24,
    EV_GO_BLOCK_SYNC = 25,
    EV_GO_BLOCK_COND = 26,
    EV_GO_BLOCK_NET = 27,
    EV_GO_SYSCALL = 28,
    EV_GO_SYSEXIT = 29,
    EV_GO_SYSBLOCK = 30,
    EV_STRING = 37,
    EV_USER_LOG = 48,
};

enum {
    BATCH_SIZE = 32768,
    ARGS_MAX = 4,
    FRAMES_MAX = 400,
    STRING_MAX = 4000,
    NO_P_SLOT = 0,              /* slot of the batch of events without a P; P n has slot n + 1 */
    START_STACK_BASE = 1 << 24, /* ids of the one-frame stacks of entry functions begin here */
};

enum xstate { X_NONE, X_RUNNABLE, X_RUNNING, X_WAITING, X_SYSCALL, X_DEAD };

struct xg {
    uint32_t seq;
    int32_t p; /* running */
    uint8_t state;
};

struct xp {
    uint8_t *buf;
    size_t n, cap;
    uint64_t first, last; /* times of the batch */
    uint64_t g;           /* runs; 0 none */
    bool on;              /* between ProcStart and ProcStop */
};

struct go_export {
    struct tr_reader *r;
    FILE *out;
    uint64_t time; /* of the last event */
    struct xp *ps;
    size_t p_count;
    struct idmap g_ids, functions, strings, stacks;
    struct xg *gs;
    size_t g_cap;
};

/* ---- bytes ---- */

static void put(struct xp *b, const void *p, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2 > BATCH_SIZE ? (b->n + n) * 2 : BATCH_SIZE;
        uint8_t *more = cmd_alloc(b->cap);
        memcpy(more, b->buf, b->n);
        free(b->buf);
        b->buf = more;
    }
    memcpy(b->buf + b->n, p, n);
    b->n += n;
}

static size_t leb(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

static void put_number(struct xp *b, uint64_t v)
{
    uint8_t buf[10];
    put(b, buf, leb(buf, v));
}

static void write_bytes(struct go_export *x, const uint8_t *p, size_t n)
{
    (void)fwrite(p, 1, n, x->out);
}

static struct xp *slot(struct go_export *x, int32_t p)
{
    size_t i = p == TR_NO_P ? NO_P_SLOT : (size_t)p + 1;
    if (i >= x->p_count) {
        struct xp *more = cmd_alloc((i + 1) * sizeof(*more));
        memset(more, 0, (i + 1) * sizeof(*more));
        if (x->p_count)
            memcpy(more, x->ps, x->p_count * sizeof(*more));
        free(x->ps);
        x->ps = more;
        x->p_count = i + 1;
    }
    return &x->ps[i];
}

static void flush(struct go_export *x, size_t i)
{
    struct xp *b = &x->ps[i];
    if (b->n == 0)
        return;
    uint8_t head[24], *p = head;
    *p++ = EV_BATCH | 1 << 6;
    p += leb(p, (uint64_t)i - 1); /* slot 0: -1 */
    p += leb(p, b->first);
    write_bytes(x, head, (size_t)(p - head));
    write_bytes(x, b->buf, b->n);
    b->n = 0;
}

/* ---- events ---- */

/* Appends an event with its time and n arguments to p's batch. */
static void event(struct go_export *x, int32_t p, enum go_event type, unsigned n,
                  const uint64_t *args)
{
    struct xp *b = slot(x, p);
    if (b->n >= BATCH_SIZE)
        flush(x, p == TR_NO_P ? NO_P_SLOT : (size_t)p + 1);
    uint64_t now = ++x->time;
    if (b->n == 0)
        b->first = b->last = now - 1;
    uint8_t buf[10 * (ARGS_MAX + 1)], *q = buf;
    q += leb(q, now - b->last);
    for (unsigned i = 0; i < n; i++)
        q += leb(q, args[i]);
    b->last = now;

    /* The count in the head leaves out the time; 3 means that the length follows. */
    uint8_t head[11];
    size_t head_n = 1;
    head[0] = (uint8_t)(type | (n < 3 ? n : 3) << 6);
    if (n >= 3)
        head_n += leb(head + 1, (uint64_t)(q - buf));
    put(b, head, head_n);
    put(b, buf, (size_t)(q - buf));
}

#define EVENT(x, p, type, ...)                                              \
    event(x, p, type, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), \
          (const uint64_t[]){__VA_ARGS__})
#define EVENT0(x, p, type) event(x, p, type, 0, NULL)

/* ---- strings and stacks: before their first use, in the batch that uses them ---- */

/* Must the thing be defined?  Numbers are dense, so a new one is the last. */
static bool is_new(struct idmap *m, uint64_t key, uint32_t *ret_number)
{
    uint32_t before = m->count;
    *ret_number = idmap_add(m, key);
    return m->count > before;
}

static uint64_t hash_text(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h ? h : 1;
}

/* Ids start at 1; equal texts have equal 64-bit hashes, different ones practically never do. */
static uint64_t string(struct go_export *x, int32_t p, const char *s)
{
    uint32_t number;
    if (is_new(&x->strings, hash_text(s), &number)) {
        size_t n = strnlen(s, STRING_MAX);
        struct xp *b = slot(x, p);
        put(b, (const uint8_t[]){EV_STRING}, 1);
        put_number(b, number + 1u);
        put_number(b, n ? n : 1);
        put(b, n ? s : "?", n ? n : 1);
    }
    return number + 1u;
}

struct frame {
    uint64_t pc, function, file, line;
};

/* Appends the frames of one pc.  Viewers key by pc, so the frames inlined into each other get
 * pcs of their own. */
static size_t add_frames(struct go_export *x, int32_t p, uint64_t pc, bool is_return,
                         struct frame *frames, size_t max)
{
    const struct tr_frame *f;
    size_t n = tr_reader_frames(x->r, pc, is_return, &f);
    n = n > 16 ? 16 : n > max ? max : n;
    for (size_t i = 0; i < n; i++) {
        const char *file = f[i].file ? f[i].file : "?";
        frames[i] = (struct frame){(pc << 4) + i, string(x, p, f[i].function), string(x, p, file),
                                   (uint64_t)(f[i].line > 0 ? f[i].line : 0)};
    }
    return n;
}

static void define_stack(struct go_export *x, int32_t p, uint64_t id, const struct frame *frames,
                         size_t n)
{
    struct xp body = {0}, *b = slot(x, p);
    put_number(&body, id);
    put_number(&body, n);
    for (size_t i = 0; i < n; i++) {
        put_number(&body, frames[i].pc);
        put_number(&body, frames[i].function);
        put_number(&body, frames[i].file);
        put_number(&body, frames[i].line);
    }
    put(b, (const uint8_t[]){EV_STACK | 3 << 6}, 1);
    put_number(b, body.n);
    put(b, body.buf, body.n);
    free(body.buf);
}

static uint64_t stack(struct go_export *x, int32_t p, uint32_t id)
{
    uint32_t number;
    size_t n, count = 0;
    const uint64_t *pcs = tr_reader_stack(x->r, id, &n);
    if (!pcs || n == 0)
        return 0;
    if (is_new(&x->stacks, id, &number)) {
        struct frame *frames = cmd_alloc(FRAMES_MAX * sizeof(*frames));
        for (size_t i = 0; i < n && count < FRAMES_MAX; i++)
            count += add_frames(x, p, pcs[i], true, frames + count, FRAMES_MAX - count);
        define_stack(x, p, id, frames, count);
        free(frames);
    }
    return id;
}

/* The stack with which a goroutine begins: one frame, or Go's page breaks. */
static uint64_t start_stack(struct go_export *x, int32_t p, uint64_t fn)
{
    uint32_t number;
    if (is_new(&x->functions, fn, &number)) {
        struct frame f;
        (void)add_frames(x, p, fn, false, &f, 1);
        f.function = string(x, p, tr_reader_function(x->r, fn));
        define_stack(x, p, START_STACK_BASE + (uint64_t)number, &f, 1);
    }
    return START_STACK_BASE + (uint64_t)number;
}

/* ---- the picture of Gs and Ps ---- */

static struct xg *goroutine(struct go_export *x, uint64_t id)
{
    size_t i = idmap_add(&x->g_ids, id);
    if (i >= x->g_cap) {
        size_t cap = x->g_cap ? x->g_cap * 2 : 256;
        while (cap <= i)
            cap *= 2;
        struct xg *more = cmd_alloc(cap * sizeof(*more));
        memset(more, 0, cap * sizeof(*more));
        if (x->g_cap)
            memcpy(more, x->gs, x->g_cap * sizeof(*more));
        free(x->gs);
        x->gs = more;
        x->g_cap = cap;
    }
    return &x->gs[i];
}

static void create(struct go_export *x, int32_t p, uint64_t id, uint64_t fn, uint32_t where)
{
    uint64_t first = start_stack(x, p, fn), at = stack(x, p, where);
    struct xg *g = goroutine(x, id);
    EVENT(x, p, EV_GO_CREATE, id, first, at);
    g->seq = 1;
    g->state = X_RUNNABLE;
}

/* g exists, on a wait for nothing if it has not been seen. */
static struct xg *known(struct go_export *x, uint64_t id)
{
    struct xg *g = goroutine(x, id);
    if (g->state == X_NONE)
        create(x, TR_NO_P, id, 0, 0);
    return goroutine(x, id);
}

/* g does not run any more, by an event with these arguments. */
static void leave(struct go_export *x, uint64_t id, enum go_event type, unsigned n,
                  const uint64_t *args, enum xstate state)
{
    struct xg *g = goroutine(x, id);
    event(x, g->p, type, n, args);
    slot(x, g->p)->g = 0;
    g->state = (uint8_t)state;
}

/* Lets what runs on p go on later. */
static void clear_p(struct go_export *x, int32_t p)
{
    uint64_t id = slot(x, p)->g;
    if (id)
        leave(x, id, EV_GO_SCHED, 1, (const uint64_t[]){0}, X_RUNNABLE);
}

static void proc_start(struct go_export *x, int32_t p, uint32_t m)
{
    if (slot(x, p)->on)
        return;
    EVENT(x, p, EV_PROC_START, m == UINT32_MAX ? 0 : m);
    slot(x, p)->on = true;
}

static void proc_stop(struct go_export *x, int32_t p)
{
    clear_p(x, p);
    if (!slot(x, p)->on)
        return;
    EVENT0(x, p, EV_PROC_STOP);
    slot(x, p)->on = false;
}

/* P of an event whose emitter must be what runs there, or nothing. */
static int32_t emitter(struct go_export *x, const struct tr_event *e, uint64_t by)
{
    return e->p != TR_NO_P && slot(x, e->p)->g == by ? e->p : TR_NO_P;
}

static void make_runnable(struct go_export *x, int32_t p, uint64_t id)
{
    struct xg *g = known(x, id);
    uint64_t seq = g->seq;
    if (g->state == X_WAITING)
        EVENT(x, p, EV_GO_UNBLOCK, id, seq, 0);
    else if (g->state == X_SYSCALL)
        EVENT(x, p, EV_GO_SYSEXIT, id, seq, 0);
    else
        return;
    g->seq++;
    g->state = X_RUNNABLE;
}

static void start(struct go_export *x, uint64_t id, int32_t p, uint32_t m)
{
    struct xg *g = known(x, id);
    if (g->state == X_DEAD)
        return;
    if (g->state == X_RUNNING && g->p == p)
        return;
    if (g->state == X_RUNNING)
        clear_p(x, g->p);
    make_runnable(x, TR_NO_P, id);
    proc_start(x, p, m);
    clear_p(x, p);
    g = goroutine(x, id);
    EVENT(x, p, EV_GO_START, id, g->seq);
    g->seq++;
    g->state = X_RUNNING;
    g->p = p;
    slot(x, p)->g = id;
}

static void block(struct go_export *x, const struct tr_event *e)
{
    int32_t p = goroutine(x, e->g)->p;
    uint64_t at = stack(x, p, e->stack);
    switch (e->why) {
    case TR_CHAN_NIL:
    case TR_SELECT_EMPTY:
        leave(x, e->g, EV_GO_STOP, 1, &at, X_DEAD);
        break;
    case TR_SYSCALL:
        EVENT(x, p, EV_GO_SYSCALL, at);
        leave(x, e->g, EV_GO_SYSBLOCK, 0, NULL, X_SYSCALL);
        break;
    default: {
        static const uint8_t types[TR_REASONS] = {
            [TR_CHAN_SEND] = EV_GO_BLOCK_SEND, [TR_CHAN_RECV] = EV_GO_BLOCK_RECV,
            [TR_SELECT] = EV_GO_BLOCK_SELECT,  [TR_COND] = EV_GO_BLOCK_COND,
            [TR_NET] = EV_GO_BLOCK_NET,        [TR_SLEEP] = EV_GO_SLEEP,
        };
        enum go_event type = types[e->why] ? types[e->why] : EV_GO_BLOCK_SYNC;
        leave(x, e->g, type, 1, &at, X_WAITING);
    }
    }
}

/* A goroutine leaves its P; it is made to run first if the picture says otherwise. */
static void stop_running(struct go_export *x, const struct tr_event *e)
{
    if (e->p != TR_NO_P)
        start(x, e->g, e->p, e->m);
    if (known(x, e->g)->state != X_RUNNING) { /* it had no P: the system call goes on, or is over */
        if (e->type == TR_EV_GO_YIELD)
            make_runnable(x, TR_NO_P, e->g);
        return;
    }
    if (e->type == TR_EV_GO_BLOCK)
        block(x, e);
    else if (e->type == TR_EV_GO_YIELD)
        clear_p(x, goroutine(x, e->g)->p);
    else
        leave(x, e->g, EV_GO_END, 0, NULL, X_DEAD);
}

/* The P is taken from its goroutine: to Go that is a system call. */
static void retake(struct go_export *x, int32_t p)
{
    uint64_t id = slot(x, p)->g;
    if (id) {
        EVENT(x, p, EV_GO_SYSCALL, 0);
        leave(x, id, EV_GO_SYSBLOCK, 0, NULL, X_SYSCALL);
    }
    proc_stop(x, p);
}

static void race(struct go_export *x, const struct tr_event *e)
{
    int32_t p = emitter(x, e, e->g);
    if (p == TR_NO_P)
        return;
    char text[96];
    snprintf(text, sizeof(text), "goroutine %llu with goroutine %llu at 0x%llx",
             (unsigned long long)e->g, (unsigned long long)e->by, (unsigned long long)e->obj);
    EVENT(x, p, EV_USER_LOG, 0, string(x, p, "data race"), 0);
    put_number(slot(x, p), strlen(text));
    put(slot(x, p), text, strlen(text));
}

static void convert(struct go_export *x, const struct tr_event *e)
{
    if ((uint64_t)e->time > x->time)
        x->time = (uint64_t)e->time;
    switch (e->type) {
    case TR_EV_GO_CREATE:
        if (goroutine(x, e->g)->state == X_NONE)
            create(x, emitter(x, e, e->by), e->g, e->fn, e->stack);
        break;
    case TR_EV_GO_START:
        start(x, e->g, e->p, e->m);
        break;
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
        if (e->g)
            stop_running(x, e);
        break;
    case TR_EV_GO_READY:
        if (e->g)
            make_runnable(x, emitter(x, e, e->by), e->g);
        break;
    case TR_EV_GO_STATE:
        if (e->arg == TR_STATE_RUNNING && e->p != TR_NO_P)
            start(x, e->g, e->p, e->m);
        else
            (void)known(x, e->g);
        break;
    case TR_EV_P_START:
        proc_start(x, e->p, e->m);
        if (e->g)
            start(x, e->g, e->p, e->m);
        break;
    case TR_EV_P_STOP:
        proc_stop(x, e->p);
        break;
    case TR_EV_P_RETAKE:
        retake(x, e->p);
        break;
    case TR_EV_PROCS:
        EVENT(x, TR_NO_P, EV_GOMAXPROCS, e->arg, 0);
        break;
    case TR_EV_RACE:
        race(x, e);
        break;
    default:
        break;
    }
}

void trace_export_go(struct tr_reader *r, FILE *out)
{
    static const char header[16] = "go 1.19 trace\0\0";
    struct go_export x = {.r = r, .out = out};
    uint8_t rate[12] = {EV_FREQUENCY};
    write_bytes(&x, (const uint8_t *)header, sizeof(header));
    write_bytes(&x, rate, 1 + leb(rate + 1, 1000000000));
    EVENT(&x, TR_NO_P, EV_GOMAXPROCS, 1, 0); /* a file without any event is refused */

    struct tr_event e;
    while (!ferror(out) && tr_reader_next(r, &e))
        convert(&x, &e);
    for (size_t i = 0; i < x.p_count; i++) {
        flush(&x, i);
        free(x.ps[i].buf);
    }
    free(x.ps);
    free(x.gs);
    idmap_fini(&x.g_ids);
    idmap_fini(&x.functions);
    idmap_fini(&x.strings);
    idmap_fini(&x.stacks);
}
