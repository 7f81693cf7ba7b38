/* reader_decode.c - records into events.
 *
 * records.c reads the numbers by the letters that the file's own dictionary gives, so a record
 * whose number this reader does not know can still be stepped over, and one that has fewer
 * arguments than today's is read with zeros for the rest.  Nothing read is trusted: every number
 * is checked against its use. */
#include "reader_impl.h"

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

/* Gives the numbers of a record their places in the event.  Returns false for values that no
 * recorder writes. */
static bool assign(const struct tr_reader *r, struct tr_event *e, uint64_t ctx, const uint64_t *a)
{
    switch (e->type) {
    case TR_EV_GO_CREATE:
        e->by = ctx;
        e->g = a[0];
        e->fn = a[1];
        e->stack = (uint32_t)a[2];
        return e->g != 0;
    case TR_EV_GO_START:
        e->g = a[0];
        e->p = (int32_t)ctx;
        return e->g != 0 && good_p(ctx);
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
        e->g = ctx;
        return true;
    case TR_EV_GO_BLOCK:
        e->g = ctx;
        set_wait(e, a[0]);
        e->stack = (uint32_t)a[1];
        return true;
    case TR_EV_GO_READY:
        e->by = ctx;
        e->g = a[0];
        set_wait(e, a[1]);
        e->stack = (uint32_t)a[2];
        return true;
    case TR_EV_GO_NAME:
        e->g = ctx;
        e->text = string(r, a[0]);
        return true;
    case TR_EV_P_START:
        e->p = (int32_t)a[0];
        return good_p(a[0]);
    case TR_EV_P_STOP:
        e->p = (int32_t)ctx;
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
        e->fn = a[4];
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

enum decoded tr_decode(const struct tr_reader *r, struct decoder *d, struct tr_event *e)
{
    struct record rec;
    const struct decoder before = {.at = d->at, .ticks = d->ticks};
    if (d->at >= d->end)
        return DECODED_END;
    bool ok = tr_record_get(r->events, d, &rec);
    if (ok) {
        memset(e, 0, sizeof(*e));
        e->type = rec.type;
        e->p = TR_NO_P;
        ok = assign(r, e, rec.ctx, rec.args);
    }
    if (!ok) {
        d->at = before.at;
        d->ticks = before.ticks;
        return DECODED_BAD;
    }
    tr_record_follow(d, &rec);
    return r->events[rec.type].known == 1 ? DECODED : DECODED_SKIP;
}
