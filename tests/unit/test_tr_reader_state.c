/* The state machines: what may not happen is called by its name, and the rest goes on. */
#include "tr_file.h"

/* Reads all; returns the first violation's text in buf ("" if none) and the number of events. */
static uint64_t first_wrong(struct built *b, char *buf, size_t cap)
{
    struct tr_reader *r = built_open(b);
    struct tr_event e;
    uint64_t n = 0;
    *buf = 0;
    while (tr_reader_next(r, &e)) {
        n++;
        if (e.wrong && !*buf)
            snprintf(buf, cap, "%s", e.wrong);
    }
    tr_reader_close(r);
    return n;
}

static struct built b;

static void expect_wrong(const char *text, uint64_t events)
{
    char got[200];
    uint64_t n = first_wrong(&b, got, sizeof(got));
    cr_assert_eq(n, events, "%llu events", (unsigned long long)n);
    if (*text)
        cr_assert_not_null(strstr(got, text), "got \"%s\"", got);
    else
        cr_assert_str_empty(got, "got \"%s\"", got);
}

/* M0 holds P0 and runs goroutine 1. */
static void begin(void)
{
    built_init(&b, 2);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_create(&b, 0, 20, 1);
    b_start(&b, 0, 30, 1, 0);
}

Test(state, an_ordinary_life_is_allowed)
{
    begin();
    b_block(&b, 0, 40, 1, TR_MUTEX, 0x40);
    b_ready(&b, 0, 50, 1, 0);
    b_start(&b, 0, 60, 1, 0);
    b_about_g(&b, 0, 70, TR_EV_GO_YIELD, 1);
    b_start(&b, 0, 80, 1, 0);
    b_about_g(&b, 0, 90, TR_EV_GO_END, 1);
    b_proc(&b, 0, 100, TR_EV_P_STOP, 0);
    b_thread(&b, 0, 110, TR_EV_M_PARK);
    b_thread(&b, 0, 120, TR_EV_M_UNPARK);
    b_thread(&b, 0, 130, TR_EV_M_STOP);
    expect_wrong("", 13);
}

Test(state, start_of_a_blocked_goroutine)
{
    begin();
    b_block(&b, 0, 40, 1, TR_CHAN_SEND, 0x40);
    b_start(&b, 0, 50, 1, 0);
    expect_wrong("start of goroutine 1, which is blocked, not runnable", 5);
}

Test(state, start_of_one_that_was_never_created)
{
    built_init(&b, 1);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_start(&b, 0, 20, 7, 0);
    expect_wrong("goroutine 7, which was never created", 2);
}

Test(state, two_at_once_on_one_thread)
{
    begin();
    b_create(&b, 0, 40, 2);
    b_start(&b, 0, 50, 2, 0);
    expect_wrong("start of goroutine 2 on M0, which still runs goroutine 1", 5);
}

Test(state, one_goroutine_on_two_threads)
{
    begin();
    b_proc(&b, 1, 40, TR_EV_P_START, 1);
    b_start(&b, 1, 50, 1, 1);
    expect_wrong("start of goroutine 1, which is running", 5);
}

Test(state, ready_of_a_runnable_one)
{
    begin();
    b_about_g(&b, 0, 40, TR_EV_GO_YIELD, 1);
    b_ready(&b, 0, 50, 1, 0);
    expect_wrong("ready of goroutine 1, which is runnable, not blocked", 5);
}

Test(state, block_on_another_thread)
{
    begin();
    b_block(&b, 1, 40, 1, TR_CHAN_SEND, 0);
    expect_wrong("block of goroutine 1 on thread M1, but it runs on M0", 4);
}

Test(state, created_twice)
{
    begin();
    b_create(&b, 0, 40, 1);
    expect_wrong("goroutine 1 is created, but lives already", 4);
}

Test(state, a_processor_held_twice)
{
    begin();
    b_proc(&b, 1, 40, TR_EV_P_START, 0);
    expect_wrong("M1 takes P0, which M0 holds", 4);
}

Test(state, start_without_the_processor)
{
    begin();
    b_create(&b, 0, 40, 2);
    b_start(&b, 1, 50, 2, 1);
    expect_wrong("start of goroutine 2 on P1, which M1 does not hold", 5);
}

Test(state, a_processor_given_up_while_its_goroutine_runs)
{
    begin();
    b_proc(&b, 0, 40, TR_EV_P_STOP, 0);
    expect_wrong("M0 gives up P0, but goroutine 1 runs on it", 4);
}

Test(state, parked_with_a_processor)
{
    built_init(&b, 1);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_thread(&b, 0, 20, TR_EV_M_PARK);
    expect_wrong("M0 parks, but holds P0", 2);
}

Test(state, a_parked_thread_does_nothing)
{
    built_init(&b, 1);
    b_thread(&b, 0, 10, TR_EV_M_PARK);
    b_proc(&b, 0, 20, TR_EV_P_START, 0);
    expect_wrong("proc start on M0, which is parked", 2);
}

Test(state, retake_from_one_that_does_not_hold_it)
{
    begin();
    b_retake(&b, 1, 40, 0, 3);
    expect_wrong("P0 is taken from M3, which does not hold it", 4);
}

Test(state, the_states_follow_the_event_after_a_violation)
{
    begin();
    b_block(&b, 0, 40, 1, TR_CHAN_SEND, 0x40);
    b_start(&b, 0, 50, 1, 0); /* wrong */
    b_about_g(&b, 0, 60, TR_EV_GO_END, 1);
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    unsigned wrong = 0;
    while (tr_reader_next(r, &e))
        wrong += e.wrong != NULL;
    cr_assert_eq(wrong, 1u);
    cr_assert_null(tr_reader_g(r, 1) && tr_reader_g(r, 1)->state != TR_G_DEAD ? "lives" : NULL);
    tr_reader_close(r);
}

Test(state, a_recording_begun_in_the_middle_excuses_the_unknown)
{
    built_init(&b, 1);
    ((struct tr_file_header *)b.bytes)->flags = 0;
    built_seal(&b);
    b_start(&b, 0, 20, 7, 0);
    b_block(&b, 0, 30, 7, TR_MUTEX, 0);
    b_ready(&b, 0, 40, 8, 7);
    b_about_g(&b, 0, 50, TR_EV_GO_END, 9);
    expect_wrong("", 4);
}

Test(state, thousands_of_goroutines_come_and_go)
{
    /* The table of goroutines against what must live: those divisible by 3 are not ended. */
    static struct built big;
    built_init(&big, 4);
    unsigned made = 0;
    for (unsigned m = 0; m < 4; m++) {
        b_proc(&big, m, 1, TR_EV_P_START, m);
        for (unsigned i = 0; i < 60; i++, made++) {
            uint64_t g = 1 + i * 4 + m, at = 10 + i * 30;
            b_create(&big, m, at, g);
            if (g % 3 == 0)
                continue;
            b_start(&big, m, at + 1, g, m);
            b_about_g(&big, m, at + 2, TR_EV_GO_END, g);
        }
    }
    struct tr_reader *r = built_open(&big);
    struct tr_event e;
    while (tr_reader_next(r, &e))
        cr_assert_null(e.wrong, "%s", e.wrong);
    cr_assert_eq(made, 240u);
    uint64_t last = e.g;
    for (uint64_t g = 1; g <= 240; g++)
        if (g != last)
            cr_assert_eq(tr_reader_g(r, g) != NULL, g % 3 == 0, "goroutine %llu",
                         (unsigned long long)g);
    tr_reader_close(r);
}
