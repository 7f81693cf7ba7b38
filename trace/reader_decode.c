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

/* Each of the following gives the numbers of a record of one kind their places in the event.  They
 * return false for values that no recorder writes. */

static bool assign_life(const struct tr_reader *r, struct tr_event *e, uint64_t ctx,
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
        e->g = a[0];
        e->p = (int32_t)ctx;
        return e->g != 0 && good_p(ctx);
    case TR_EV_GO_NAME:
        e->text = string(r, a[0]);
        break;
    default:
        break; /* end, yield */
    }
    e->g = ctx;
    return true;
}

static bool assign_wait(const struct tr_reader *r, struct tr_event *e, uint64_t ctx,
                        const uint64_t *a)
{
    (void)r;
    switch (e->type) {
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
    default: /* state */
        e->g = a[0];
        e->arg = a[1];
        set_wait(e, a[2]);
        e->stack = (uint32_t)a[3];
        e->fn = a[4];
        return e->g != 0 && e->arg >= TR_STATE_RUNNABLE && e->arg <= TR_STATE_BLOCKED;
    }
}

static bool assign_proc(const struct tr_reader *r, struct tr_event *e, uint64_t ctx,
                        const uint64_t *a)
{
    (void)r;
    if (e->type == TR_EV_PROCS) {
        e->arg = a[0];
        return a[0] <= PROCS_MAX;
    }
    uint64_t p = e->type == TR_EV_P_STOP ? ctx : a[0];
    e->p = (int32_t)p;
    e->arg = e->type == TR_EV_P_STEAL || e->type == TR_EV_P_RETAKE ? a[1] : 0;
    return good_p(p);
}

static struct tr_access access_of(uint64_t bits)
{
    return (struct tr_access){.size = bits & TR_SIDE_SIZE,
                              .first = bits >> TR_SIDE_FIRST_SHIFT & 7,
                              .write = (bits & TR_SIDE_WRITE) != 0,
                              .atomic = (bits & TR_SIDE_ATOMIC) != 0,
                              .free = (bits & TR_SIDE_FREE) != 0};
}

static bool assign_race(const struct tr_reader *r, struct tr_event *e, uint64_t ctx,
                        const uint64_t *a)
{
    (void)r;
    e->g = ctx;
    e->by = a[0];
    e->obj = a[1];
    e->access[0] = access_of(a[2]);
    e->access[1] = access_of(a[2] >> TR_SIDE_BITS);
    e->stack = (uint32_t)a[3];
    e->by_stack = (uint32_t)a[4];
    return e->access[0].size <= 8 && e->access[1].size <= 8;
}

/* When the earlier side of a race was: the record says how long before itself. */
static void assign_interval(const struct tr_reader *r, struct tr_event *e, const struct record *rec)
{
    uint64_t after = rec->args[5], until = rec->args[6], age = rec->ticks - r->file.start_ticks;
    e->by_to = tr_ticks_to_ns(r, rec->ticks - (until && until - 1 <= rec->ticks ? until - 1 : 0));
    e->by_from = -1;
    if (after && after - 1 <= age) /* else it was before the recording */
        e->by_from = tr_ticks_to_ns(r, rec->ticks - (after - 1));
    if (e->by_from > e->by_to) /* counters of two processors */
        e->by_from = e->by_to;
}

/* What the program says of itself. */
static bool assign_mark(const struct tr_reader *r, struct tr_event *e, uint64_t ctx,
                        const uint64_t *a)
{
    e->g = ctx;
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
    return true;
}

/* By type; NULL: the thread itself is what it is about. */
static bool (*const assign_of[TR_EV_MAX + 1])(const struct tr_reader *r, struct tr_event *e,
                                              uint64_t ctx, const uint64_t *a) = {
    [TR_EV_GO_CREATE] = assign_life,    [TR_EV_GO_START] = assign_life,
    [TR_EV_GO_END] = assign_life,       [TR_EV_GO_YIELD] = assign_life,
    [TR_EV_GO_NAME] = assign_life,      [TR_EV_GO_BLOCK] = assign_wait,
    [TR_EV_GO_READY] = assign_wait,     [TR_EV_GO_STATE] = assign_wait,
    [TR_EV_P_START] = assign_proc,      [TR_EV_P_STOP] = assign_proc,
    [TR_EV_P_STEAL] = assign_proc,      [TR_EV_P_RETAKE] = assign_proc,
    [TR_EV_PROCS] = assign_proc,        [TR_EV_RACE] = assign_race,
    [TR_EV_TASK_BEGIN] = assign_mark,   [TR_EV_TASK_END] = assign_mark,
    [TR_EV_REGION_BEGIN] = assign_mark, [TR_EV_REGION_END] = assign_mark,
    [TR_EV_LOG] = assign_mark,
};

static bool assign(const struct tr_reader *r, struct tr_event *e, const struct record *rec)
{
    if (assign_of[e->type] && !assign_of[e->type](r, e, rec->ctx, rec->args))
        return false;
    if (e->type == TR_EV_RACE)
        assign_interval(r, e, rec);
    return ((e->g | e->by) & ~G_ID_MAX) == 0;
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
        ok = assign(r, e, &rec);
    }
    if (!ok) {
        d->at = before.at;
        d->ticks = before.ticks;
        return DECODED_BAD;
    }
    tr_record_follow(d, &rec);
    return r->events[rec.type].known == 1 ? DECODED : DECODED_SKIP;
}
