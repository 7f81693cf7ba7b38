/* How things stood when a window began, worked out from what came later and what the host tells. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "window.h"

enum { OBJECT = 0x1230, OTHER = 0x4560 };

static const struct tr_alive *alive;
static size_t alive_count;

static void tell_all(tr_tell *tell, void *arg)
{
    for (size_t i = 0; i < alive_count; i++)
        tell(arg, &alive[i]);
}

static uint32_t four(void)
{
    return 4;
}

static const struct tr_host host = {tell_all, four};

static struct tr_stream *begin(const struct tr_alive *list, size_t n)
{
    alive = list;
    alive_count = n;
    tr_host_is(&host);
    struct tr_stream *s = tr_stream_open(0, 10);
    cr_assert_eq(tr_flight(1 << 20, 0), 0);
    return s;
}

static const struct soul *soul_of(struct tr_view *v, uint64_t g)
{
    const struct soul *s = tr_view_soul(v, g);
    cr_assert_not_null(s, "goroutine %d", (int)g);
    return s;
}

Test(window, the_first_change_tells_what_was_before)
{
    static const struct tr_alive list[] = {
        {.g = 1, .state = TR_STATE_BLOCKED, .why = TR_SLEEP, .name = "main"},
        {.g = 9, .state = TR_STATE_BLOCKED, .why = TR_MUTEX, .obj = (void *)OTHER, .name = ""},
    };
    struct tr_stream *s = begin(list, 2);
    struct tr_view v;
    tr_go_yield(s, 1);                                  /* was running */
    tr_go_ready(s, 2, 1, TR_CHAN_RECV, (void *)OBJECT); /* was blocked */
    tr_go_start(s, 3, 2, NULL);                         /* was runnable; P2 was there */
    tr_go_create(s, 4, 3, NULL);                        /* was not */
    tr_go_block(s, 3, TR_CHAN_SEND, (void *)OBJECT);
    tr_p_start(s, 1); /* P1 was nobody's */
    cr_assert_eq(tr_view_open(&v, 0), 0);
    cr_assert_eq(soul_of(&v, 1)->state, TR_STATE_RUNNING);
    cr_assert_str_eq(v.texts + soul_of(&v, 1)->name, "main");
    cr_assert_eq(soul_of(&v, 2)->state, TR_STATE_BLOCKED);
    cr_assert_eq(soul_of(&v, 2)->wait, (uint64_t)TR_CHAN_RECV << TR_KEY_WHY_SHIFT | OBJECT);
    cr_assert_eq(soul_of(&v, 3)->state, TR_STATE_RUNNABLE);
    cr_assert_eq(soul_of(&v, 4)->state, STATE_NOT_YET);
    cr_assert_eq(soul_of(&v, 9)->state, TR_STATE_BLOCKED, "the host alone tells");
    cr_assert_eq(soul_of(&v, 9)->wait, (uint64_t)TR_MUTEX << TR_KEY_WHY_SHIFT | OTHER);
    cr_assert_null(tr_view_soul(&v, 77));
    cr_assert_eq(v.lane_count, 1u);
    cr_assert_eq(v.lanes[0].g, 1u);
    cr_assert_eq(v.lanes[0].p, 2);
    cr_assert_not(v.lanes[0].parked);
    cr_assert_eq(v.procs, 4u);
    tr_view_close(&v);
}

Test(window, a_thread_that_is_back_was_asleep)
{
    struct tr_stream *s = begin(NULL, 0);
    struct tr_view v;
    tr_m_unpark(s);
    tr_p_start(s, 0);
    cr_assert_eq(tr_view_open(&v, 0), 0);
    cr_assert(v.lanes[0].parked);
    cr_assert_eq(v.lanes[0].p, -1);
    tr_view_close(&v);
}

Test(window, a_stream_knows_what_it_ran_before_the_window)
{
    static const struct tr_alive list[] = {
        {.g = 5, .state = TR_STATE_RUNNING, .name = "", .m = 0, .has_p = true},
        {.g = 6, .state = TR_STATE_RUNNING, .name = "", .m = 0, .has_p = true},
    };
    struct tr_stream *s = begin(list, 2);
    struct tr_view v;
    tr_p_start(s, 3);
    tr_go_start(s, 5, 3, NULL);
    struct tr_clock a = tr_clock_pair(), b;
    do /* until the events lie before the window */
        b = tr_clock_pair();
    while (b.mono - a.mono < 2000000);
    cr_assert_eq(tr_view_open(&v, tr_units(1000000)), 0);
    cr_assert_eq(v.lanes[0].g, 5u);
    cr_assert_eq(v.lanes[0].p, 3);
    cr_assert_not(v.lanes[0].begun);
    cr_assert_eq(soul_of(&v, 6)->state, STATE_NOT_YET, "two cannot run there");
    tr_view_close(&v);
}

Test(window, a_processor_that_was_taken_away_is_not_held)
{
    static const struct tr_alive list[] = {
        {.g = 5, .state = TR_STATE_RUNNING, .name = "", .m = 0, .has_p = false},
    };
    struct tr_stream *other = tr_stream_open(1, 11), *s = begin(list, 1);
    struct tr_view v;
    tr_p_start(s, 0);
    tr_go_start(s, 5, 0, NULL);
    struct tr_clock a = tr_clock_pair(), b;
    do /* until half of the time lies between the events */
        b = tr_clock_pair();
    while (b.mono - a.mono < 20000000);
    tr_p_start(other, 0); /* P0 was nobody's: it had been retaken */
    tr_go_start(other, 8, 0, NULL);
    uint64_t since = (uint64_t)(tr_clock_pair().mono - b.mono);
    cr_assert_eq(tr_view_open(&v, tr_units(since + 10000000)), 0);
    cr_assert_eq(v.lanes[0].g, 5u);
    cr_assert_eq(v.lanes[0].p, -1);
    cr_assert_eq(v.lanes[1].p, -1);
    tr_view_close(&v);
}

Test(window, an_m_that_recorded_nothing_has_a_lane)
{
    static const struct tr_alive list[] = {
        {.g = 5, .state = TR_STATE_RUNNING, .name = "", .m = 7, .has_p = true},
    };
    struct tr_stream *s = begin(list, 1);
    struct tr_view v;
    tr_p_retake(s, 1, 7);
    cr_assert_eq(tr_view_open(&v, 0), 0);
    cr_assert_eq(v.lane_count, 2u);
    cr_assert_eq(v.lanes[1].m, 7u);
    cr_assert_eq(v.lanes[1].g, 5u);
    cr_assert_eq(v.lanes[1].p, 1);
    tr_view_close(&v);
}

Test(window, many_goroutines_have_room)
{
    enum { MANY = 20000 };
    struct tr_alive *list = calloc(MANY, sizeof(*list));
    char(*names)[32] = calloc(MANY, sizeof(*names));
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "goroutine named %u", i);
        list[i] = (struct tr_alive){.g = i + 1, .state = TR_STATE_RUNNABLE, .name = names[i]};
    }
    begin(list, MANY);
    struct tr_view v;
    cr_assert_eq(tr_view_open(&v, 0), 0);
    cr_assert_eq(v.soul_count, (size_t)MANY);
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_str_eq(v.texts + soul_of(&v, i + 1)->name, names[i]);
    tr_view_close(&v);
    free(list);
    free(names);
}
