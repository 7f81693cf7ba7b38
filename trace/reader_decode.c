/* reader_decode.c - records into events.
 *
 * Mirrors writer.c step by step; the argument letters of events.def drive it, so a record whose
 * number this reader does not know can still be stepped over when the file's dictionary
 * describes it. Nothing read is trusted: every length is checked against the chunk, every
 * number against its use. */
#include "reader_impl.h"

const uint8_t *tr_get_leb(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
    if (p < end && *p < 0x80) {
        *ret = *p;
        return p + 1;
    }
    uint64_t v = 0;
    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        uint64_t b = *p++;
        v |= (b & 0x7f) << shift;
        if (b < 0x80) {
            *ret = v;
            return p;
        }
    }
    return NULL;
}

static const uint8_t *get_g(struct decoder *d, const uint8_t *p, uint64_t *ret)
{
    uint64_t z;
    p = tr_get_leb(p, d->end, &z);
    if (p)
        *ret = d->last_g += tr_unzigzag(z);
    return p;
}

static const uint8_t *get_key(struct decoder *d, const uint8_t *p, uint64_t *ret)
{
    if (p >= d->end)
        return NULL;
    if (*p < TR_KEYS) {
        *ret = d->keys[*p];
        return *ret == UINT64_MAX ? NULL : p + 1; /* a slot that was never filled */
    }
    if (*p != TR_KEY_NEW || (size_t)(d->end - p) < 1 + sizeof(*ret))
        return NULL;
    memcpy(ret, p + 1, sizeof(*ret));
    d->keys[tr_key_slot(*ret)] = *ret;
    return p + 1 + sizeof(*ret);
}

/* One argument of the kind that the letter says. */
static const uint8_t *get_arg(struct decoder *d, const uint8_t *p, char letter, uint64_t *ret)
{
    switch (letter) {
    case 'g':
        return get_g(d, p, ret);
    case 'w':
    case 'f':
    case 'a':
        return get_key(d, p, ret);
    default:
        return tr_get_leb(p, d->end, ret);
    }
}

/* The value that a record without X leaves out. */
static bool known_context(const struct decoder *d, unsigned context, uint64_t *ret)
{
    switch (context) {
    case TR_CTX_G:
    case TR_CTX_BY:
        *ret = d->cur_g; /* 0: a thread that is no goroutine */
        return true;
    case TR_CTX_P:
        *ret = (uint64_t)d->cur_p;
        return d->cur_p >= 0;
    default:
        *ret = 0;
        return true;
    }
}

static void set_wait(struct tr_event *e, uint64_t key)
{
    uint64_t why = key >> TR_KEY_WHY_SHIFT;
    e->why = why < TR_REASONS ? (enum tr_reason)why : TR_NONE;
    e->obj = key & TR_KEY_OBJ_MASK;
}

static bool good_p(uint64_t p)
{
    return p < PROCS_MAX;
}

static void stops(struct decoder *d, uint64_t g)
{
    if (d->cur_g == g)
        d->cur_g = 0;
}

static const char *string(const struct tr_reader *r, uint64_t id)
{
    return id < r->string_cap && r->strings[id] ? r->strings[id] : "?";
}

/* What the program says of itself. */
static void assign_mark(const struct tr_reader *r, struct tr_event *e, uint64_t g,
                        const uint64_t *a)
{
    e->g = g;
    e->task = a[0];
    if (e->type == TR_EV_TASK_BEGIN) {
        e->arg = a[1];
        e->text = string(r, a[2]);
    } else if (e->type == TR_EV_LOG) {
        e->category = string(r, a[1]);
        e->text = string(r, a[2]);
    } else if (e->type != TR_EV_TASK_END) {
        e->text = string(r, a[1]);
    }
}

/* Gives the numbers of a record their places in the event, and follows what the stream knows.
 * Returns false for values that no recorder writes. */
static bool assign(const struct tr_reader *r, struct decoder *d, struct tr_event *e, uint64_t ctx,
                   const uint64_t *a)
{
    switch (e->type) {
    case TR_EV_GO_CREATE:
        e->by = ctx;
        e->g = a[0];
        e->fn = a[1];
        e->stack = (uint32_t)a[2];
        return e->g != 0;
    case TR_EV_GO_START:
        e->g = d->cur_g = a[0];
        e->p = (int32_t)ctx;
        return e->g != 0 && good_p(ctx);
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
        e->g = ctx;
        stops(d, ctx);
        return true;
    case TR_EV_GO_BLOCK:
        e->g = ctx;
        set_wait(e, a[0]);
        e->stack = (uint32_t)a[1];
        stops(d, ctx);
        return true;
    case TR_EV_GO_READY:
        e->by = ctx;
        e->g = a[0];
        return true;
    case TR_EV_GO_NAME:
        e->g = ctx;
        e->text = string(r, a[0]);
        return true;
    case TR_EV_P_START:
        e->p = d->cur_p = (int32_t)a[0];
        return good_p(a[0]);
    case TR_EV_P_STOP:
        e->p = (int32_t)ctx;
        if (d->cur_p == e->p)
            d->cur_p = -1;
        return good_p(ctx);
    case TR_EV_P_STEAL:
    case TR_EV_P_RETAKE:
        e->p = (int32_t)a[0];
        e->arg = a[1];
        return good_p(a[0]);
    case TR_EV_PROCS:
        e->arg = a[0];
        return a[0] <= PROCS_MAX;
    case TR_EV_RACE:
        e->g = ctx;
        e->by = a[0];
        e->obj = a[1];
        return true;
    case TR_EV_GO_STATE:
        e->g = a[0];
        e->arg = a[1];
        set_wait(e, a[2]);
        e->stack = (uint32_t)a[3];
        if (e->arg == TR_STATE_RUNNING)
            d->cur_g = e->g;
        return e->g != 0 && e->arg >= TR_STATE_RUNNABLE && e->arg <= TR_STATE_BLOCKED;
    case TR_EV_TASK_BEGIN:
    case TR_EV_TASK_END:
    case TR_EV_REGION_BEGIN:
    case TR_EV_REGION_END:
    case TR_EV_LOG:
        assign_mark(r, e, ctx, a);
        return true;
    case TR_EV_M_PARK:
    case TR_EV_M_UNPARK:
    case TR_EV_M_START:
    case TR_EV_M_STOP:
    case TR_EV_NONE:
    case TR_EV_MAX:
        break;
    }
    return true;
}

/* Head and time.  Returns NULL when they do not fit. */
static const uint8_t *get_head(const struct decoder *d, unsigned *ret_head, uint64_t *ret_dt)
{
    static const uint8_t length[] = {1, 2, 3, 7};
    const uint8_t *p = d->at;
    unsigned head = *p++, n = length[head >> 6];
    if ((size_t)(d->end - p) < n)
        return NULL;
    uint64_t dt = 0;
    if (d->end - p >= 8) {
        memcpy(&dt, p, 8);
        dt &= ((uint64_t)1 << 8 * n) - 1;
    } else {
        memcpy(&dt, p, n);
    }
    *ret_head = head;
    *ret_dt = dt;
    return p + n;
}

enum decoded tr_decode(const struct tr_reader *r, struct decoder *d, struct tr_event *e)
{
    if (d->at >= d->end)
        return DECODED_END;
    unsigned head = 0;
    uint64_t dt = 0, ctx, args[sizeof(r->events[0].args)] = {0};
    const uint8_t *p = get_head(d, &head, &dt);
    const struct event_def *def = &r->events[head & TR_HEAD_TYPE];
    if (!p || !def->known || dt > UINT64_MAX / 2 - d->ticks)
        return DECODED_BAD;

    if (!(head & TR_HEAD_X)) {
        if (!known_context(d, def->context, &ctx))
            return DECODED_BAD;
    } else {
        p = get_arg(d, p, def->context == TR_CTX_P ? 'p' : 'g', &ctx);
    }
    for (size_t i = 0; p && def->args[i]; i++)
        p = get_arg(d, p, def->args[i], &args[i]);
    if (!p)
        return DECODED_BAD;

    memset(e, 0, sizeof(*e));
    e->type = (enum tr_type)(head & TR_HEAD_TYPE);
    e->p = TR_NO_P;
    if (!assign(r, d, e, ctx, args))
        return DECODED_BAD;
    d->ticks += dt;
    d->at = p;
    return def->known == 1 ? DECODED : DECODED_SKIP;
}
