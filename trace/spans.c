/* spans.c - spans for the user: those that each event ended, and at the end those still open.
 *
 * The state machines of reader_state.c make the spans; nothing is kept here. */
#include "reader_impl.h"
#include <stdlib.h>

struct tr_spans {
    struct tr_reader *r;
    tr_span_fn *fn;
    void *arg;
};

struct tr_spans *tr_spans_make(struct tr_reader *r, tr_span_fn *fn, void *arg)
{
    struct tr_spans *sp = malloc(sizeof(*sp));
    if (sp)
        *sp = (struct tr_spans){r, fn, arg};
    return sp;
}

static void hand_out(struct tr_spans *sp, bool open)
{
    struct tr_reader *r = sp->r;
    for (size_t i = 0; i < r->closed_count; i++) {
        r->closed[i].open = open;
        if (r->closed_g[i]) {
            tr_g_unpack(r, r->closed_g[i], &r->asked->closed[i]);
            r->closed[i].info = &r->asked->closed[i];
        }
        sp->fn(sp->arg, &r->closed[i]);
    }
}

size_t tr_reader_ended(const struct tr_reader *r, const struct tr_span **ret)
{
    *ret = r->closed;
    return r->closed_count;
}

void tr_spans_feed(struct tr_spans *sp, const struct tr_event *e)
{
    (void)e; /* its changes are the reader's last ones */
    hand_out(sp, false);
}

static void hand_out_one(struct tr_spans *sp)
{
    hand_out(sp, true);
    sp->r->closed_count = 0;
}

void tr_spans_finish(struct tr_spans *sp)
{
    struct tr_reader *r = sp->r;
    tr_state_next(r);
    if (r->time < r->info.end_ns)
        r->time = r->info.end_ns;
    uint32_t at = 0;
    for (const struct gnode *g; (g = tr_g_each(r, &at));) {
        tr_span_of_g(r, g, 0, TR_NO_P);
        hand_out_one(sp);
    }
    for (size_t i = 0; i < r->p_cap; i++) {
        if (!r->ps[i].seen)
            continue;
        tr_span_of_p(r, (int32_t)i);
        hand_out_one(sp);
    }
    for (size_t i = 0; i < r->stream_count; i++) {
        if (!r->streams[i].ms.seen || r->streams[i].ms.stopped)
            continue;
        tr_span_of_m(r, &r->streams[i]);
        hand_out_one(sp);
    }
}

void tr_spans_free(struct tr_spans *sp)
{
    free(sp);
}
