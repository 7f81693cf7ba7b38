/* critical.c - see critical.h.
 *
 * Records lie in the order of their ends.  The walk is at goroutine g and time t, and looks for the
 * last record of g that ended by then.  When it has jumped to the goroutine that woke another one
 * at t, that one ran at t: the record of this span lies behind and is not needed, for what ended
 * before it tells when it began. */
#include "critical.h"
#include <stdlib.h>
#include "cmd.h"

enum { BLOCK = 1 << 15 };

struct critical_record {
    int64_t begin;
    int64_t end_cls; /* end << 4 | class */
    uint64_t g;
    uint64_t by;
};

bool critical_begin(struct critical *c, int64_t from, int64_t to)
{
    *c = (struct critical){.from = from, .to = to, .file = tmpfile()};
    if (!c->file)
        return false;
    c->buf = cmd_alloc(BLOCK * sizeof(*c->buf));
    return true;
}

static void flush(struct critical *c)
{
    if (!c->failed && fwrite(c->buf, sizeof(*c->buf), c->n, c->file) != c->n)
        c->failed = true;
    c->written += c->n;
    c->n = 0;
}

void critical_add(struct critical *c, const struct tr_span *s, int cls)
{
    if (!c->file || cls < 0 || s->end < c->from || s->begin > c->to)
        return;
    if (c->n == BLOCK)
        flush(c);
    int64_t end = s->end < c->to ? s->end : c->to;
    c->buf[c->n++] =
        (struct critical_record){s->begin < c->from ? c->from : s->begin, end << 4 | cls, s->id,
                                 s->state == TR_G_RUNNABLE ? s->by : 0};
}

struct walk {
    struct critical *c;
    critical_fn *fn;
    void *arg;
    uint64_t g; /* 0: not chosen yet */
    int64_t t;
};

static void emit(const struct walk *w, int64_t begin, int64_t end, int cls)
{
    if (end > begin)
        w->fn(w->arg, &(struct critical_part){w->g, begin, end, cls});
}

static void step(struct walk *w, const struct critical_record *r)
{
    int64_t end = r->end_cls >> 4;
    int cls = (int)(r->end_cls & 15);
    if (w->g == 0 && cls == TR_CL_RUNNING) {
        w->g = r->g;
        w->t = end;
    }
    if (r->g != w->g || end > w->t || w->g == 0)
        return;
    emit(w, end, w->t, TR_CL_RUNNING); /* it was running when it woke the one before */
    emit(w, r->begin, end, cls);
    w->t = r->begin;
    if (cls == TR_CL_RUNNABLE && r->by != 0)
        w->g = r->by;
}

bool critical_walk(struct critical *c, critical_fn *fn, void *arg)
{
    struct walk w = {.c = c, .fn = fn, .arg = arg};
    if (!c->file)
        return false;
    flush(c);
    if (fflush(c->file) != 0)
        c->failed = true;
    for (uint64_t left = c->written; left > 0 && !c->failed;) {
        size_t n = left < BLOCK ? (size_t)left : BLOCK;
        left -= n;
        if (fseeko(c->file, (off_t)(left * sizeof(*c->buf)), SEEK_SET) != 0 ||
            fread(c->buf, sizeof(*c->buf), n, c->file) != n)
            c->failed = true;
        for (size_t i = n; i-- > 0 && !c->failed;)
            step(&w, &c->buf[i]);
    }
    if (w.g && !c->failed)
        emit(&w, c->from, w.t, TR_CL_RUNNING); /* what ran when the window began */
    return !c->failed;
}

void critical_fini(struct critical *c)
{
    if (c->file)
        fclose(c->file);
    free(c->buf);
    *c = (struct critical){0};
}
