/* A snapshot is a trace: states first, names, stacks and texts with it.  (Under load, against the
 * state machines: tests/trace/flight.c.) */
#include "tr_file.h"
#include "tr.h"

static char object;

static void worker(void)
{
}

static void tell_all(tr_tell *tell, void *arg)
{
    tell(arg, &(struct tr_alive){.g = 1, .state = TR_STATE_RUNNING, .name = "main", .has_p = true});
    tell(arg, &(struct tr_alive){.g = 2,
                                 .state = TR_STATE_BLOCKED,
                                 .why = TR_CHAN_RECV,
                                 .obj = &object,
                                 .fn = (const void *)worker,
                                 .name = "the worker"});
    for (uint64_t g = 100; g < 5100; g++) /* more than a chunk of them */
        tell(arg, &(struct tr_alive){.g = g, .state = TR_STATE_RUNNABLE, .name = "one of many"});
}

static uint32_t two(void)
{
    return 2;
}

static const struct tr_host host = {tell_all, two};

static struct tr_reader *take(struct tr_stream **ret_s)
{
    tr_host_is(&host);
    struct tr_stream *s = *ret_s = tr_stream_open(0, 10);
    cr_assert_eq(tr_flight(1 << 20, 0), 0);
    tr_go_block(s, 1, TR_MUTEX, &object);
    tr_log(s, 0, 3, "category", "a text");
    cr_assert_eq(tr_snapshot(tmp_trace(), 0, "a reason for it"), 0);
    return open_trace(tmp_trace());
}

Test(snapshot, begins_with_the_states_of_all)
{
    struct tr_stream *s;
    struct tr_reader *r = take(&s);
    struct tr_event e;
    unsigned many = 0;
    bool blocked = false;
    while (tr_reader_next(r, &e)) {
        cr_assert_null(e.wrong, "%s", e.wrong);
        many += e.type == TR_EV_GO_STATE && e.g >= 100 && e.arg == TR_STATE_RUNNABLE;
        if (e.type == TR_EV_GO_STATE)
            cr_assert_eq(e.time, 0);
        if (e.type == TR_EV_GO_BLOCK) {
            size_t n;
            blocked = true;
            cr_assert_eq(e.g, 1u);
            cr_assert_not_null(tr_reader_stack(r, e.stack, &n));
            cr_assert_gt(n, 1u);
        }
        if (e.type == TR_EV_LOG) {
            cr_assert_str_eq(e.text, "a text");
            cr_assert_str_eq(e.category, "category");
        }
    }
    cr_assert_eq(many, 5000u);
    cr_assert(blocked);
    const struct tr_g *g = tr_reader_g(r, 2);
    cr_assert_eq(g->state, TR_G_BLOCKED);
    cr_assert_eq(g->why, TR_CHAN_RECV);
    cr_assert_eq(g->obj, (uintptr_t)&object);
    cr_assert_eq(g->fn, (uintptr_t)worker);
    cr_assert_str_eq(g->name, "the worker");
    cr_assert_str_eq(tr_reader_g(r, 1)->name, "main");
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(snapshot, says_why_it_was_taken)
{
    struct tr_stream *s;
    struct tr_reader *r = take(&s);
    char verdict[200];
    cr_assert_str_eq(tr_reader_info(r)->taken, "a reason for it");
    cr_assert_eq(tr_reader_info(r)->end, TR_END_STOPPED);
    tr_reader_verdict(r, verdict, sizeof(verdict));
    cr_assert_not_null(strstr(verdict, "before: a reason for it; nothing lost"), "%s", verdict);
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(snapshot, one_after_the_other_are_alike)
{
    struct tr_stream *s;
    struct tr_reader *r = take(&s);
    uint64_t chunks = tr_reader_info(r)->chunks;
    tr_reader_close(r);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(tr_snapshot(tmp_trace(), 0, "again"), 0);
        r = open_trace(tmp_trace());
        cr_assert_eq(tr_reader_info(r)->chunks, chunks);
        cr_assert_null(tr_reader_info(r)->problem);
        tr_reader_close(r);
    }
    unlink(tmp_trace());
}
