/* test_reread.c - locks taken for reading by who reads, and writers that may come in between. */
#include <criterion/criterion.h>
#include "rc_double.h"
#include "reread.h"

enum { READER, WRITER, OTHER, FLOWS };
enum { WAITS = RC_LOCK_IN_TURN, TRIES = RC_LOCK_IN_TURN | RC_LOCK_TRIED };

static struct rc_ctx *g[FLOWS];
static char lock[64], readers[64], channel;

static void start(void)
{
    rc_init(NULL);
    for (int i = 0; i < FLOWS; i++)
        g[i] = rc_ctx_make(NULL, RC_GOROUTINE, 10 + (uint64_t)i, 1, NULL, 0);
}

static void rlock(int flow, int i, unsigned how)
{
    rc_lock_taken(g[flow], &lock[i], how, "rwmutex", 1);
    rc_acquire(g[flow], &lock[i]);
}

static void runlock(int flow, int i)
{
    rc_lock_dropped(g[flow], &lock[i]);
    rc_release_merge(g[flow], &readers[i]);
}

static void read_twice(int flow, int i)
{
    rlock(flow, i, WAITS);
    rlock(flow, i, WAITS);
    runlock(flow, i);
    runlock(flow, i);
}

static void write_once(int flow, int i, unsigned how)
{
    rc_lock_taken(g[flow], &lock[i], how | RC_LOCK_WRITE, "rwmutex", 1);
    rc_acquire(g[flow], &lock[i]);
    rc_acquire(g[flow], &readers[i]);
    rc_lock_dropped(g[flow], &lock[i]);
    rc_release(g[flow], &lock[i]);
}

static void tell(int from, int to)
{
    rc_release(g[from], &channel);
    rc_acquire(g[to], &channel);
}

Test(reread, a_writer_comes_later)
{
    start();
    read_twice(READER, 0);
    cr_expect_eq(n_rereads, 0, "nobody has written");
    write_once(WRITER, 0, WAITS);
    cr_assert_eq(n_rereads, 1);
    cr_expect_eq(rereads[0].reader.id, 10);
    cr_expect_eq(rereads[0].writer.id, 11);
    cr_expect_eq(rereads[0].first.lock, &lock[0]);
    cr_expect_eq(rereads[0].again.lock, &lock[0]);
    cr_expect(rereads[0].written.for_write);
    read_twice(READER, 0);
    write_once(WRITER, 0, WAITS);
    cr_expect_eq(n_rereads, 1, "told once");
}

Test(reread, a_writer_was_there_before)
{
    start();
    write_once(WRITER, 0, WAITS);
    rlock(READER, 0, WAITS);
    cr_expect_eq(n_rereads, 0);
    rlock(READER, 0, WAITS);
    cr_assert_eq(n_rereads, 1);
    cr_expect_eq(rereads[0].writer.id, 11);
}

Test(reread, who_is_ordered_by_something_else_never_comes_between)
{
    start();
    write_once(WRITER, 0, WAITS);
    tell(WRITER, READER);
    read_twice(READER, 0);
    tell(READER, OTHER);
    write_once(OTHER, 0, WAITS);
    write_once(READER, 0, WAITS);
    cr_expect_eq(n_rereads, 0);
}

Test(reread, the_first_reading_may_be_known_to_the_writer)
{
    start();
    rlock(READER, 0, WAITS);
    tell(READER, WRITER);
    rlock(READER, 0, WAITS);
    runlock(READER, 0);
    runlock(READER, 0);
    write_once(WRITER, 0, WAITS);
    cr_expect_eq(n_rereads, 1, "it knows the first one only");
}

Test(reread, a_lock_held_by_both_keeps_them_apart)
{
    start();
    for (int flow = READER; flow <= WRITER; flow++) {
        rc_lock_taken(g[flow], &channel, RC_LOCK_WRITE, "mutex", 1);
        rc_acquire(g[flow], &channel);
        if (flow == READER)
            read_twice(flow, 0);
        else
            write_once(flow, 0, WAITS);
        rc_lock_dropped(g[flow], &channel);
        rc_release(g[flow], &channel);
    }
    cr_expect_eq(n_rereads, 0);
}

Test(reread, who_tries_does_not_wait)
{
    start();
    rlock(READER, 0, WAITS);
    rlock(READER, 0, TRIES);
    runlock(READER, 0);
    runlock(READER, 0);
    write_once(WRITER, 0, WAITS);
    cr_expect_eq(n_rereads, 0, "the reader tried");
    read_twice(READER, 1);
    write_once(WRITER, 1, TRIES);
    cr_expect_eq(n_rereads, 0, "the writer tried");
    rlock(READER, 2, TRIES);
    rlock(READER, 2, WAITS);
    write_once(WRITER, 2, WAITS);
    cr_expect_eq(n_rereads, 1, "only the first reading was a try");
}

Test(reread, readings_one_after_the_other_are_no_second_reading)
{
    start();
    for (int i = 0; i < 3; i++) {
        rlock(READER, 0, WAITS);
        runlock(READER, 0);
        write_once(WRITER, 0, WAITS);
        rlock(OTHER, 0, WAITS);
        runlock(OTHER, 0);
    }
    cr_expect_eq(n_rereads, 0);
}

Test(reread, locks_that_let_readers_in_before_writers_are_not_watched)
{
    start();
    rlock(READER, 0, 0);
    rlock(READER, 0, 0);
    runlock(READER, 0);
    runlock(READER, 0);
    write_once(WRITER, 0, 0);
    cr_expect_eq(n_rereads, 0);
}

Test(reread, a_lock_that_is_no_more_is_forgotten)
{
    start();
    read_twice(READER, 0);
    reread_forget((uintptr_t)&lock[0]);
    write_once(WRITER, 0, WAITS);
    cr_expect_eq(n_rereads, 0);
}

Test(reread, locks_that_share_a_place_are_not_mixed_up)
{
    start();
    static char many[4096]; /* each place is shared by eight */
    for (int i = 0; i < 4096; i++) {
        rc_lock_taken(g[WRITER], &many[i], WAITS | RC_LOCK_WRITE, "rwmutex", 1);
        rc_lock_dropped(g[WRITER], &many[i]);
    }
    static char twice[4096];
    for (int i = 0; i < 4096; i++) {
        rc_lock_taken(g[READER], &twice[i], WAITS, "rwmutex", 1);
        rc_lock_taken(g[READER], &twice[i], WAITS, "rwmutex", 1);
        rc_lock_dropped(g[READER], &twice[i]);
        rc_lock_dropped(g[READER], &twice[i]);
    }
    cr_expect_eq(n_rereads, 0, "nobody has written these");
}
