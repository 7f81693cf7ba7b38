/* records.c - see records.h.
 *
 * Mirrors writer.c step by step.  Nothing read is trusted: every length is checked against the
 * chunk.  What the numbers mean, and whether they can be true, is the caller's affair. */
#include "records.h"

const struct event_def tr_event_defs[TR_HEAD_TYPE + 1] = {
#define TR_EVENT(name, number, text, ctx, arguments) \
    [number] = {.known = 1, .context = ctx, .args = arguments},
#include "events.def"
#undef TR_EVENT
};

void tr_coding_begin(struct decoder *d, const struct tr_chunk_header *h, const uint8_t *p,
                     const uint8_t *end)
{
    d->at = p;
    d->end = end;
    d->ticks = h->ticks;
    d->last_g = 0;
    d->cur_g = h->cur_g;
    d->cur_p = h->cur_p;
    memset(d->keys, 0xff, sizeof(d->keys));
}

/* ---- reading ---- */

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

static inline bool is_key(char letter)
{
    return letter == 'w' || letter == 'f' || letter == 'a';
}

/* One argument of the kind that the letter says. */
static const uint8_t *get_arg(struct decoder *d, const uint8_t *p, char letter, uint64_t *ret)
{
    if (letter == 'g')
        return get_g(d, p, ret);
    return is_key(letter) ? get_key(d, p, ret) : tr_get_leb(p, d->end, ret);
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

/* The time of a record with that head.  Returns NULL when it does not fit. */
static const uint8_t *get_time(const uint8_t *p, const uint8_t *end, unsigned head, uint64_t *ret)
{
    static const uint8_t length[] = {1, 2, 3, 7};
    unsigned n = length[head >> 6];
    if ((size_t)(end - p) < n)
        return NULL;
    uint64_t dt = 0;
    if (end - p >= 8) {
        memcpy(&dt, p, 8);
        dt &= ((uint64_t)1 << 8 * n) - 1;
    } else {
        memcpy(&dt, p, n);
    }
    *ret = dt;
    return p + n;
}

bool tr_record_get(const struct event_def *defs, struct decoder *d, struct record *ret)
{
    uint64_t dt = 0;
    if (d->at >= d->end)
        return false;
    const uint8_t *p = d->at;
    unsigned head = *p++;
    const struct event_def *def = &defs[head & TR_HEAD_TYPE];
    if (!def->known)
        return false;
    memset(ret->args, 0, sizeof(ret->args));
    if (!(head & TR_HEAD_X)) {
        if (!known_context(d, def->context, &ret->ctx))
            return false;
    } else {
        p = get_arg(d, p, def->context == TR_CTX_P ? 'p' : 'g', &ret->ctx);
    }
    for (size_t i = 0; p && def->args[i]; i++)
        p = get_arg(d, p, def->args[i], &ret->args[i]);
    if (p)
        p = get_time(p, d->end, head, &dt);
    if (!p || dt > UINT64_MAX / 2 - d->ticks)
        return false;
    ret->type = (enum tr_type)(head & TR_HEAD_TYPE);
    ret->ticks = d->ticks += dt;
    d->at = p;
    return true;
}

/* ---- writing ---- */

static uint8_t *put_g(struct decoder *d, uint8_t *p, uint64_t g)
{
    uint64_t z = tr_zigzag(g - d->last_g);
    d->last_g = g;
    return tr_put_leb(p, z);
}

static uint8_t *put_key(struct decoder *d, uint8_t *p, uint64_t key)
{
    uint32_t slot = tr_key_slot(key);
    if (d->keys[slot] == key) {
        *p++ = (uint8_t)slot;
        return p;
    }
    d->keys[slot] = key;
    *p++ = TR_KEY_NEW;
    memcpy(p, &key, sizeof(key));
    return p + sizeof(key);
}

static uint8_t *put_arg(struct decoder *d, uint8_t *p, char letter, uint64_t v)
{
    if (letter == 'g')
        return put_g(d, p, v);
    return is_key(letter) ? put_key(d, p, v) : tr_put_leb(p, v);
}

uint8_t *tr_record_put(const struct event_def *defs, struct decoder *d, uint8_t *p,
                       const struct record *r)
{
    const struct event_def *def = &defs[r->type];
    uint64_t known, dt = r->ticks - d->ticks;
    bool x = !known_context(d, def->context, &known) || known != r->ctx;
    unsigned n = dt < 1u << 8 ? 1 : dt < 1u << 16 ? 2 : dt < 1u << 24 ? 3 : 7;
    *p++ = (uint8_t)(r->type | (x ? TR_HEAD_X : 0) | (n == 7 ? 3 : n - 1) << 6);
    if (x)
        p = put_arg(d, p, def->context == TR_CTX_P ? 'p' : 'g', r->ctx);
    for (size_t i = 0; def->args[i]; i++)
        p = put_arg(d, p, def->args[i], r->args[i]);
    dt &= TR_TIME_MAX;
    memcpy(p, &dt, n);
    d->ticks = r->ticks;
    return p + n;
}

/* ---- what the stream knows ---- */

void tr_record_follow(struct decoder *d, const struct record *r)
{
    switch (r->type) {
    case TR_EV_GO_START:
        d->cur_g = r->args[0];
        break;
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
        if (d->cur_g == r->ctx)
            d->cur_g = 0;
        break;
    case TR_EV_GO_STATE:
        if (r->args[1] == TR_STATE_RUNNING)
            d->cur_g = r->args[0];
        break;
    case TR_EV_P_START:
        d->cur_p = (int32_t)r->args[0];
        break;
    case TR_EV_P_STOP:
        if (d->cur_p == (int32_t)r->ctx)
            d->cur_p = -1;
        break;
    default:
        break;
    }
}
