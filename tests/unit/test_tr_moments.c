/* The last moments as text. */
#include "tr_file.h"
#include "clock.h"
#include "tr.h"

static void tell_all(tr_tell *tell, void *arg)
{
    tell(arg, &(struct tr_alive){.g = 7, .state = TR_STATE_RUNNABLE, .name = "worker"});
    tell(arg, &(struct tr_alive){.g = 8, .state = TR_STATE_RUNNABLE, .fn = tell_all, .name = ""});
}

static uint32_t one(void)
{
    return 1;
}

static const struct tr_host host = {tell_all, one};

static const char *label(uintptr_t fn)
{
    return fn == (uintptr_t)tell_all ? "entry_function" : "?";
}

/* What tr_moments() prints. */
static char *printed(int64_t duration)
{
    static char text[16384];
    FILE *f = tmpfile();
    cr_assert_not_null(f);
    tr_moments(fileno(f), duration, label);
    rewind(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    return text;
}

static void says(const char *text, const char *what)
{
    cr_expect_not_null(strstr(text, what), "no \"%s\" in:\n%s", what, text);
}

static int lines_with(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

static void pass(int64_t ns)
{
    int64_t until = clock_nanos() + ns;
    while (clock_nanos() < until)
        ;
}

Test(moments, nothing_without_a_flight)
{
    cr_assert_str_eq(printed(1000000), "");
}

/* Goroutine 7 runs 20 times, then 8. */
static void take_turns(struct tr_stream *s)
{
    tr_p_start(s, 1);
    for (int i = 0; i < 20; i++) {
        tr_go_start(s, 7, 1, NULL);
        pass(20000);
        tr_go_yield(s, 7);
    }
    tr_go_start(s, 8, 1, NULL);
    pass(20000);
    tr_log(s, 8, 0, "kind", "the last words");
    tr_go_ready(s, 7, 8, TR_CHAN_RECV, &host);
    tr_go_block(s, 8, TR_CHAN_SEND, &host);
    tr_p_stop(s, 1);
    tr_m_park(s);
}

Test(moments, lanes_legend_and_the_last_events)
{
    tr_host_is(&host);
    struct tr_stream *s = tr_stream_open(3, 30);
    const char *text = "";
    for (double ms = 100; ms > 5;) { /* a picture without what kept this thread waiting */
        cr_assert_eq(tr_flight(0, 0), 0);
        cr_assert_eq(tr_flight(1 << 20, 0), 0);
        take_turns(s);
        text = printed(100000000);
        cr_assert_eq(sscanf(text, "the last %lf ms", &ms), 1);
    }
    says(text, "    M3   ");
    says(text, "a goroutine 7 worker");
    says(text, "b goroutine 8 entry_function");
    says(text, "goroutine 8 entry_function: start on P1");
    says(text, "goroutine 8 entry_function: log the last words");
    says(text, "goroutine 8 entry_function: ready goroutine 7 worker");
    says(text, "goroutine 8 entry_function: block, chan send 0x");
    cr_expect_null(strstr(text, "thread park\n"), "the lanes tell of threads");
    cr_expect_eq(lines_with(text, "goroutine 7 worker: start"), 4, "only the last are told");
}

Test(moments, where_nothing_happened_it_goes_back_to_when_something_did)
{
    tr_host_is(&host);
    cr_assert_eq(tr_flight(1 << 20, 0), 0);
    struct tr_stream *s = tr_stream_open(3, 30);
    tr_p_start(s, 1);
    tr_go_start(s, 8, 1, NULL);
    tr_go_block(s, 8, TR_CHAN_SEND, &host);
    pass(2000000);
    tr_p_stop(s, 1);
    says(printed(1000000), "goroutine 8 entry_function: block, chan send 0x");
    pass(2000000);
    says(printed(10000), "goroutine 8 entry_function: block, chan send 0x");
}
