/* Expectations: what is read, what a trace says to them, and the public functions. */
#include "tr_file.h"
#include <errno.h>
#include "expect.h"
#include "goshawk/expect.h"

/* One processor.  G1 runs from 130, is blocked on 0xabc0 over [200, 900), made ready by G2, runs at
 * 950; G2 is runnable over [120, 300), blocked on 0xabc0 over [920, 1500); G3 is runnable from 910
 * on, to the end at 2000. */
static void tell(struct built *b)
{
    built_init(b, 2);
    b_proc(b, 0, 100, TR_EV_P_START, 0);
    b_create(b, 0, 110, 1);
    b_create(b, 0, 120, 2);
    b_start(b, 0, 130, 1, 0);
    b_block(b, 0, 200, 1, TR_CHAN_RECV, 0xabc0);
    b_start(b, 0, 300, 2, 0);
    b_ready(b, 0, 900, 1, 2);
    b_create(b, 0, 910, 3);
    b_block(b, 0, 920, 2, TR_CHAN_SEND, 0xabc0);
    b_start(b, 0, 950, 1, 0);
    b_ready(b, 0, 1500, 2, 1);
    b_block(b, 0, 1600, 1, TR_MUTEX, 0xdef0);
    b_start(b, 0, 2000, 2, 0);
}

static struct tr_expect_result asked(const char *text)
{
    static struct built b;
    struct tr_expect e;
    struct tr_query_error err;
    struct tr_expect_result x;
    tell(&b);
    struct tr_reader *r = built_open(&b);
    cr_assert(tr_expect_make(text, &e, &err), "%s: column %u: %s", text, err.column, err.message);
    cr_assert_eq(tr_expect_ask(r, &e, &x), 0);
    tr_expect_fini(&e);
    tr_reader_close(r);
    return x;
}

static void holds(const char *text)
{
    struct tr_expect_result x = asked(text);
    cr_expect(x.holds, "%s: %s", text, x.message);
    cr_expect_str_empty(x.message);
}

static void fails(const char *text, const char *message)
{
    struct tr_expect_result x = asked(text);
    cr_expect_not(x.holds, "%s holds", text);
    cr_expect_not_null(strstr(x.message, message), "%s: no \"%s\" in: %s", text, message,
                       x.message);
    cr_expect_null(strchr(x.message, '\n'));
}

Test(expect, no_goroutine_longer_than)
{
    holds("no goroutine chan longer than 700ns");
    fails("no goroutine chan longer than 699ns", "G1");
    fails("no goroutine blocked on chan#1 longer than 500", "2 spans are longer than 500ns");
    holds("no goroutine blocked on chan#2 longer than 500");
    holds("no goroutine g:2 runnable longer than 500ns");
    fails("no goroutine runnable longer than 500ns", "G3");
    fails("no goroutine runnable longer than 500ns", "and still is");
    struct tr_expect_result x = asked("no goroutine g:1 blocked longer than 500ns");
    cr_expect_eq(x.from, 200);
    cr_expect_eq(x.to, 900);
    cr_expect_eq(x.g[0], 1u);
    cr_expect_eq(x.g[1], 2u);
}

Test(expect, what_means_nothing_holds_and_says_so)
{
    cr_expect(asked("no goroutine g:nobody blocked longer than 1ns").nothing);
    cr_expect_not(asked("no goroutine blocked longer than 1s").nothing);
}

Test(expect, at_most_and_at_least)
{
    holds("at most 1 goroutine blocked on chan#1");
    fails("at most 0 goroutines blocked on chan#1", "1 goroutine was at 0.000000 s at once");
    holds("at most 2 goroutines runnable");
    fails("at most 1 goroutine runnable", "2 goroutines were");
    holds("at least 2 runnable");
    fails("at least 3 runnable", "at least 3 were expected");
    fails("at least 1 net", "no goroutine was ever in: state:net");
}

Test(expect, before)
{
    holds("g:1 event:go before g:3 event:go");
    fails("g:3 event:go before g:1 event:go", "before");
    fails("event:block before event:ready", "came at");
    holds("first event:block before first event:ready");
    holds("first event:block before last event:ready");
    fails("first event:ready before first event:ready", "the same event");
    fails("opened before event:ready", "opened does not occur");
    fails("\"before it\" before x", "\"before it\" does not occur, x does not occur");
}

Test(expect, no_races)
{
    holds("no races");
}

Test(expect, faults_have_their_place)
{
    static const struct {
        unsigned column;
        const char *text, *message;
    } cases[] = {
        {1, "", "no expectation"},
        {1, "foo", "no expectation"},
        {14, "no goroutine runable longer than 5ms", "there is no state runable"},
        {3, "no goroutine longer than 5ms", "which state"},
        {34, "no goroutine blocked longer than 5x", "no time"},
        {29, "no goroutine blocked longer 5ms", "longer than"},
        {21, "no goroutine blocked", "longer than TIME"},
        {21, "no goroutine g:1 dur:1ms longer than 5ms", "comparison"},
        {10, "no races please", "nothing more"},
        {9, "at most x", "no number"},
        {4, "at worst 3 blocked", "at most or at least"},
        {27, "no goroutine blocked on   longer than 5ms", "which object"},
        {9, "a before", "missing"},
        {12, "a before g:", "missing"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_expect e;
        struct tr_query_error err = {0};
        cr_expect_not(tr_expect_make(cases[i].text, &e, &err), "%s is taken", cases[i].text);
        cr_expect_eq(err.column, cases[i].column, "%s: column %u: %s", cases[i].text, err.column,
                     err.message);
        cr_expect_not_null(strstr(err.message, cases[i].message), "%s: %s", cases[i].text,
                           err.message);
    }
}

/* ---- goshawk/expect.h ---- */

static const char *on_disk(void)
{
    static struct built b;
    tell(&b);
    built_seal(&b);
    FILE *f = fopen(tmp_trace(), "wb");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(b.bytes, 1, sizeof(b.bytes), f), sizeof(b.bytes));
    fclose(f);
    return tmp_trace();
}

Test(expect, public_functions)
{
    char why[GO_EXPECT_MESSAGE] = "";
    const char *file = on_disk();
    cr_expect_eq(go_trace_expect(file, "no races", why, sizeof(why)), 0);
    cr_expect_eq(go_trace_expect(file, "at most 1 runnable", why, sizeof(why)), 1);
    cr_expect_not_null(strstr(why, "2 goroutines were"), "%s", why);
    cr_expect_eq(go_trace_expect(file, "at most", why, sizeof(why)), -EINVAL);
    cr_expect_not_null(strstr(why, "column 8"), "%s", why);
    cr_expect_eq(go_trace_expect("/does/not/exist", "no races", why, sizeof(why)), -ENOENT);
    cr_expect_not_null(strstr(why, "/does/not/exist"), "%s", why);
    cr_expect_eq(go_trace_expect(file, "at most 1 runnable", NULL, 0), 1);
    cr_expect_eq(go_trace_expect_shorter(file, "g:2 state:runnable", 500, why, sizeof(why)), 0);
    cr_expect_eq(go_trace_expect_shorter(file, "g:1 state:chan", 500, why, sizeof(why)), 1);
    cr_expect_eq(go_trace_expect_shorter(file, "g:1 state:cham", 500, why, sizeof(why)), -EINVAL);
    cr_expect_eq(go_trace_expect_at_most(file, 2, "state:runnable", why, sizeof(why)), 0);
    cr_expect_eq(go_trace_expect_at_most(file, 1, "state:runnable", why, sizeof(why)), 1);
    cr_expect_eq(go_trace_expect_before(file, "g:1 event:go", "g:3 event:go", why, sizeof(why)), 0);
    cr_expect_eq(go_trace_expect_before(file, "g:3 event:go", "g:1 event:go", why, sizeof(why)), 1);
    cr_expect_eq(go_trace_expect_before(file, "g:3", "g:", why, sizeof(why)), -EINVAL);
    cr_expect_not_null(strstr(why, "second moment, column 3"), "%s", why);
    unlink(file);
}
