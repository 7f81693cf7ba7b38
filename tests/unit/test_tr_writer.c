/* What is written is what is read: random events of several streams against a list of them. */
#include "tr_file.h"
#include "clock.h"
#include "rand.h"
#include "tr.h"

enum { EVENTS = 60000, STREAMS = 3, PROCS = 4 };

/* The model: what each call said. */
struct said {
    enum tr_type type;
    unsigned m;
    uint64_t g, by, obj, fn, arg, task;
    int32_t p;
    enum tr_reason why;
    const char *text, *category;
    struct tr_side side[2]; /* of a race */
    uint64_t after, until;
};

static struct said said[EVENTS];

static const char *const names[] = {"a", "worker", "a name with spaces and \xc3\xa4", ""};

static void record_mark(struct tr_stream *s, struct said *e, struct rt_rand *r)
{
    e->task = rand_next(r) >> rand_below(r, 64);
    e->type = TR_EV_TASK_BEGIN + rand_below(r, 5);
    e->text = e->type == TR_EV_TASK_END ? NULL : names[rand_below(r, 4)];
    switch (e->type) {
    case TR_EV_TASK_BEGIN:
        e->arg = rand_below(r, 9);
        tr_task_begin(s, e->g, e->task, e->arg, e->text);
        break;
    case TR_EV_TASK_END:
        tr_task_end(s, e->g, e->task);
        break;
    case TR_EV_REGION_BEGIN:
        tr_region_begin(s, e->g, e->task, e->text);
        break;
    case TR_EV_REGION_END:
        tr_region_end(s, e->g, e->task, e->text);
        break;
    default:
        e->category = names[rand_below(r, 4)];
        tr_log(s, e->g, e->task, e->category, e->text);
        break;
    }
}

static const uintptr_t race_pcs[2][3] = {{0x401000, 0x402000, 0x403000}, {0x404000, 0x405000}};

static void make_side(struct tr_side *side, uint64_t g, uintptr_t addr, int i, struct rt_rand *r)
{
    *side = (struct tr_side){.g = g,
                             .addr = addr + rand_below(r, 8),
                             .size = 1 + rand_below(r, 8),
                             .write = rand_below(r, 2),
                             .atomic = rand_below(r, 2),
                             .free = rand_below(r, 2),
                             .pcs = race_pcs[i],
                             .n_pcs = 3 - (size_t)i};
}

static void record_race(struct tr_stream *s, struct said *e, struct rt_rand *r, uintptr_t addr)
{
    make_side(&e->side[0], e->g, addr, 0, r);
    make_side(&e->side[1], e->by, addr, 1, r);
    e->obj = e->side[0].addr;
    uint64_t now = clock_ticks(); /* read once: the thread may be stopped between two readings */
    e->until = rand_below(r, 3) ? now - rand_below(r, 1000000) : 0;
    e->after = rand_below(r, 3) ? now - 2000000 - rand_below(r, 1000000) : 0;
    tr_race(s, &e->side[0], &e->side[1], e->after, e->until);
}

/* Makes and records one random event.  It need not be one that a scheduler would allow. */
static void record(struct tr_stream *s, struct said *e, struct rt_rand *r)
{
    uint64_t g = 1 + rand_below(r, 50), by = rand_below(r, 50);
    void *obj = (void *)(uintptr_t)(0x7f0000001000 + rand_below(r, 400) * 64);
    if (rand_below(r, 8) == 0)
        g = rand_next(r) >> (16 + rand_below(r, 48)) | 1;
    *e = (struct said){.g = g, .p = TR_NO_P};
    switch (rand_below(r, 14)) {
    case 0:
        e->type = TR_EV_GO_CREATE;
        e->by = by;
        e->fn = (uintptr_t)obj;
        tr_go_create(s, g, by, obj);
        break;
    case 1:
    case 2:
        e->type = TR_EV_GO_START;
        e->p = (int32_t)rand_below(r, PROCS);
        tr_go_start(s, g, (uint32_t)e->p, NULL);
        break;
    case 3:
        e->type = TR_EV_GO_END;
        tr_go_end(s, g);
        break;
    case 4:
        e->type = TR_EV_GO_YIELD;
        tr_go_yield(s, g);
        break;
    case 5:
    case 6:
        e->type = TR_EV_GO_BLOCK;
        e->why = 1 + rand_below(r, TR_REASONS - 1);
        e->obj = rand_below(r, 4) ? (uintptr_t)obj : 0;
        tr_go_block(s, g, e->why, (void *)(uintptr_t)e->obj);
        break;
    case 7:
        e->type = TR_EV_GO_READY;
        e->by = by;
        e->why = rand_below(r, TR_REASONS);
        e->obj = (uintptr_t)obj;
        tr_go_ready(s, g, by, e->why, obj);
        break;
    case 8:
        e->type = TR_EV_GO_NAME;
        e->text = names[rand_below(r, 4)];
        tr_go_name(s, g, e->text);
        break;
    case 9:
        e->type = TR_EV_RACE;
        e->by = by;
        record_race(s, e, r, (uintptr_t)obj);
        break;
    case 10:
        e->type = TR_EV_P_STEAL;
        e->p = (int32_t)rand_below(r, PROCS);
        e->arg = rand_below(r, 1000);
        tr_p_steal(s, (uint32_t)e->p, (uint32_t)e->arg);
        break;
    case 11:
    case 12:
        record_mark(s, e, r);
        break;
    default:
        e->type = TR_EV_PROCS;
        e->g = 0;
        e->arg = rand_below(r, 64);
        tr_procs(s, (uint32_t)e->arg);
        break;
    }
}

static void compare_sides(struct tr_reader *reader, const struct tr_event *e, const struct said *m)
{
    const uint32_t stacks[] = {e->stack, e->by_stack};
    for (int i = 0; i < 2; i++) {
        const struct tr_access *a = &e->access[i];
        const struct tr_side *side = &m->side[i];
        size_t n;
        cr_assert(a->size == side->size && a->first == (side->addr & 7));
        cr_assert(a->write == side->write && a->atomic == side->atomic && a->free == side->free);
        const uint64_t *pcs = tr_reader_stack(reader, stacks[i], &n);
        cr_assert(n == side->n_pcs && memcmp(pcs, side->pcs, n * sizeof(*pcs)) == 0);
    }
    cr_assert(e->by_from <= e->by_to && e->by_to <= e->time);
    if (!m->after)
        cr_assert_eq(e->by_from, -1);
    if (m->until && e->by_from >= 0)
        cr_assert_lt(e->by_from, e->by_to);
}

static void compare(const struct tr_event *e, const struct said *m, size_t i)
{
    cr_assert_eq(e->type, m->type, "event %zu", i);
    cr_assert_eq(e->m, m->m, "event %zu", i);
    cr_assert_eq(e->why, m->why, "event %zu", i);
    cr_assert_eq(e->obj, m->obj, "event %zu", i);
    cr_assert_eq(e->fn, m->fn, "event %zu", i);
    cr_assert_eq(e->arg, m->arg, "event %zu", i);
    if (m->type != TR_EV_P_STEAL && m->type != TR_EV_PROCS)
        cr_assert_eq(e->g, m->g, "event %zu", i);
    if (m->type != TR_EV_PROCS)
        cr_assert_eq(e->by, m->by, "event %zu", i);
    if (m->p != TR_NO_P)
        cr_assert_eq(e->p, m->p, "event %zu", i);
    cr_assert_eq(e->task, m->task, "event %zu", i);
    if (m->category)
        cr_assert_str_eq(e->category, m->category, "event %zu", i);
    if (m->text)
        cr_assert_str_eq(e->text, m->text, "event %zu", i);
}

Test(writer, random_events_come_back_in_order)
{
    struct rt_rand r = {42};
    struct tr_stream *s[STREAMS];
    cr_assert_eq(tr_start(tmp_trace()), 0);
    for (unsigned m = 0; m < STREAMS; m++)
        cr_assert_not_null(s[m] = tr_stream_open(m, 100 + m));
    for (size_t i = 0; i < EVENTS; i++) {
        unsigned m = rand_below(&r, STREAMS);
        record(s[m], &said[i], &r);
        said[i].m = m;
    }
    tr_stop();

    /* Events without sense come in the order of their streams only; so compare each stream. */
    struct tr_reader *reader = open_trace(tmp_trace());
    size_t at[STREAMS] = {0}, seen = 0;
    struct tr_event e;
    while (tr_reader_next(reader, &e)) {
        if (e.type == TR_EV_M_START)
            continue;
        while (at[e.m] < EVENTS && said[at[e.m]].m != e.m)
            at[e.m]++;
        cr_assert_lt(at[e.m], (size_t)EVENTS);
        compare(&e, &said[at[e.m]], at[e.m]);
        if (e.type == TR_EV_RACE)
            compare_sides(reader, &e, &said[at[e.m]]);
        at[e.m]++;
        seen++;
    }
    cr_assert_eq(seen, (size_t)EVENTS);
    cr_assert_null(tr_reader_info(reader)->problem);
    tr_reader_close(reader);
    unlink(tmp_trace());
}

Test(writer, a_typical_event_takes_at_most_six_bytes)
{
    enum { ROUNDS = 100000 };
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    int chan;
    tr_p_start(s, 0);
    tr_go_create(s, 1000, 0, &chan);
    tr_go_create(s, 1001, 0, &chan);
    for (int i = 0; i < ROUNDS; i++) { /* a ping-pong, 3 events a turn */
        uint64_t g = 1000 + (uint64_t)(i & 1);
        tr_go_start(s, g, 0, NULL);
        if (i > 0)
            tr_go_ready(s, g ^ 1, g, TR_CHAN_RECV, &chan);
        tr_go_block(s, g, TR_CHAN_RECV, &chan);
    }
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    double per_event = (double)tr_reader_info(r)->file_size / (3.0 * ROUNDS);
    cr_assert_leq(per_event, 6.0, "%.2f bytes an event", per_event);
    struct tr_event e;
    uint64_t n = 0;
    while (tr_reader_next(r, &e)) {
        cr_assert_null(e.wrong, "%s", e.wrong);
        n++;
    }
    cr_assert_eq(n, 3u * ROUNDS - 1 + 4);
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(writer, long_times_and_great_numbers_survive)
{
    const uint64_t last = ((uint64_t)1 << 48) - 1; /* goroutine that a trace can name */
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    tr_go_ready(s, last, 1, TR_NONE, NULL);
    usleep(60000); /* sleeps: the time itself is looked at, longer than three bytes can say */
    tr_go_ready(s, 1, last - 1, TR_NONE, NULL);
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    cr_assert(tr_reader_next(r, &e)); /* thread start */
    cr_assert(tr_reader_next(r, &e));
    int64_t before = e.time;
    cr_assert_eq(e.g, last);
    cr_assert(tr_reader_next(r, &e));
    cr_assert_eq(e.by, last - 1);
    cr_assert_geq(e.time - before, 59000000);
    cr_assert_lt(e.time - before, 10000000000);
    tr_reader_close(r);
    unlink(tmp_trace());
}
