/* go_trace.c - see go_trace.h. */
#include "go_trace.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

enum {
    BATCH_SIZE = 32768,
    ARGS_MAX = 4,
    FRAMES_MAX = 400,
    FRAMES_OF_PC = 16,
    STRING_MAX = 4000,
    START_STACK_BASE = 1 << 24, /* ids of the one-frame stacks of entry functions begin here */
};

struct go_batch {
    uint8_t *buf;
    size_t n, cap;
    uint64_t first, last; /* times */
};

/* ---- bytes ---- */

static void put(struct go_batch *b, const void *p, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = (b->n + n) * 2 > BATCH_SIZE ? (b->n + n) * 2 : BATCH_SIZE;
        uint8_t *more = cmd_alloc(b->cap);
        if (b->n)
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

static void put_number(struct go_batch *b, uint64_t v)
{
    uint8_t buf[10];
    put(b, buf, leb(buf, v));
}

static size_t index_of(int32_t p)
{
    return p == TR_NO_P ? 0 : (size_t)p + 1;
}

static struct go_batch *batch(struct go_trace *x, int32_t p)
{
    size_t i = index_of(p);
    if (i >= x->batch_count) {
        struct go_batch *more = cmd_alloc((i + 1) * sizeof(*more));
        memset(more, 0, (i + 1) * sizeof(*more));
        if (x->batch_count)
            memcpy(more, x->batches, x->batch_count * sizeof(*more));
        free(x->batches);
        x->batches = more;
        x->batch_count = i + 1;
    }
    return &x->batches[i];
}

static void flush(struct go_trace *x, size_t i)
{
    struct go_batch *b = &x->batches[i];
    if (b->n == 0)
        return;
    uint8_t head[24], *p = head;
    *p++ = EV_BATCH | 1 << 6;
    p += leb(p, (uint64_t)i - 1); /* of no P: -1 */
    p += leb(p, b->first);
    out_bytes(x->out, head, (size_t)(p - head));
    out_bytes(x->out, b->buf, b->n);
    b->n = 0;
}

/* ---- events ---- */

void go_trace_event(struct go_trace *x, int32_t p, enum go_event type, unsigned n,
                    const uint64_t *args)
{
    struct go_batch *b = batch(x, p);
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
    if (b->n >= BATCH_SIZE && type != EV_USER_LOG) /* a log's text must follow it */
        flush(x, index_of(p));
}

void go_trace_text(struct go_trace *x, int32_t p, const char *text)
{
    size_t n = strnlen(text, STRING_MAX);
    put_number(batch(x, p), n);
    put(batch(x, p), text, n);
}

/* ---- strings and stacks ---- */

/* Must the thing be defined?  Numbers are dense, so a new one is the last. */
static bool is_new(struct idmap *m, uint64_t key, uint32_t *ret_number)
{
    uint32_t before = m->count;
    *ret_number = idmap_add(m, key);
    return m->count > before;
}

/* A batch begins with a time: definitions may come first in it. */
static struct go_batch *batch_to_define_in(struct go_trace *x, int32_t p)
{
    struct go_batch *b = batch(x, p);
    if (b->n == 0)
        b->first = b->last = x->time;
    return b;
}

uint64_t go_trace_string(struct go_trace *x, int32_t p, const char *s)
{
    uint32_t number; /* ids start at 1 */
    if (is_new(&x->strings, idmap_text(s), &number)) {
        size_t n = strnlen(s, STRING_MAX);
        struct go_batch *b = batch_to_define_in(x, p);
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
static size_t add_frames(struct go_trace *x, int32_t p, uint64_t pc, bool is_return,
                         struct frame *frames, size_t max)
{
    const struct tr_frame *f;
    size_t n = tr_reader_frames(x->r, pc, is_return, &f);
    n = n > FRAMES_OF_PC ? FRAMES_OF_PC : n;
    n = n > max ? max : n;
    for (size_t i = 0; i < n; i++) {
        const char *file = f[i].file ? f[i].file : "?";
        frames[i] =
            (struct frame){(pc * FRAMES_OF_PC) + i, go_trace_string(x, p, f[i].function),
                           go_trace_string(x, p, file), (uint64_t)(f[i].line > 0 ? f[i].line : 0)};
    }
    return n;
}

static void define_stack(struct go_trace *x, int32_t p, uint64_t id, const struct frame *frames,
                         size_t n)
{
    struct go_batch body = {0}, *b = batch_to_define_in(x, p);
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

uint64_t go_trace_stack(struct go_trace *x, int32_t p, uint32_t id)
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

uint64_t go_trace_start_stack(struct go_trace *x, int32_t p, uint64_t fn)
{
    uint32_t number;
    if (is_new(&x->functions, fn, &number)) {
        struct frame f;
        (void)add_frames(x, p, fn, false, &f, 1);
        f.function = go_trace_string(x, p, tr_reader_function(x->r, fn));
        define_stack(x, p, START_STACK_BASE + (uint64_t)number, &f, 1);
    }
    return START_STACK_BASE + (uint64_t)number;
}

/* ---- begin, end ---- */

void go_trace_begin(struct go_trace *x, struct tr_reader *r, struct out *out)
{
    static const char header[16] = "go 1.19 trace\0\0";
    uint8_t rate[12] = {EV_FREQUENCY};
    *x = (struct go_trace){.r = r, .out = out};
    out_bytes(out, header, sizeof(header));
    out_bytes(out, rate, 1 + leb(rate + 1, 1000000000));
}

void go_trace_end(struct go_trace *x)
{
    for (size_t i = 0; i < x->batch_count; i++) {
        flush(x, i);
        free(x->batches[i].buf);
    }
    free(x->batches);
    idmap_fini(&x->functions);
    idmap_fini(&x->strings);
    idmap_fini(&x->stacks);
}
