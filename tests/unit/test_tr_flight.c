/* The ring of the flight recorder: what it keeps, what it drops, and what it lives through. */
#include "tr_file.h"
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include "atomic.h"
#include "clock.h"
#include "tr.h"

#define KIB 1024u

/* Events numbered from `first`. */
static void numbered(struct tr_stream *s, uint64_t first, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        tr_go_ready(s, first + i, 0, TR_NONE, NULL);
}

/* The numbers of a snapshot, which must not have a gap: first and last.  Returns how many. */
static uint64_t read_back(uint64_t *ret_first, uint64_t *ret_last)
{
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    uint64_t n = 0;
    while (tr_reader_next(r, &e)) {
        if (e.type != TR_EV_GO_READY)
            continue;
        cr_assert(n == 0 || e.g == *ret_last + 1, "a record is missing");
        if (n++ == 0)
            *ret_first = e.g;
        *ret_last = e.g;
    }
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    cr_assert_not_null(tr_reader_info(r)->taken);
    tr_reader_close(r);
    unlink(tmp_trace());
    return n;
}

static uint64_t snapshot(int64_t duration, uint64_t *ret_first, uint64_t *ret_last)
{
    int err = tr_snapshot(tmp_trace(), duration, "a test");
    cr_assert_eq(err, 0, "%s", strerror(-err));
    return read_back(ret_first, ret_last);
}

Test(flight, no_flight_no_snapshot)
{
    unlink(tmp_trace()); /* of a process that had this number before */
    cr_assert_eq(tr_snapshot(tmp_trace(), 0, "a test"), -ENODATA);
    cr_assert_neq(access(tmp_trace(), F_OK), 0, "a file is left");
    cr_assert_eq(tr_flight(64 * KIB, -1), -EINVAL);
    cr_assert_eq(tr_flight(0, 0), 0);
    cr_assert_not(tr_flight_on());
    cr_assert_eq(tr_flight(64 * KIB, 0), 0);
    cr_assert(tr_flight_on());
    cr_assert_eq(tr_snapshot("/tmp/goshawk-no-such-folder/x", 0, "a test"), -ENOENT);
    cr_assert_eq(tr_snapshot("/tmp", 0, "a test"), -EISDIR);
    cr_assert_eq(tr_snapshot(tmp_trace(), -1, "a test"), -EINVAL);
    cr_assert_eq(tr_flight(0, 0), 0);
    cr_assert_eq(tr_on, 0u);
    cr_assert_eq(tr_snapshot(tmp_trace(), 0, "a test"), -ENODATA);
}

Test(flight, the_ring_keeps_the_last_events_without_a_gap)
{
    enum { EVENTS = 1000000 };
    uint64_t first = 0, last = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(512 * KIB, 0), 0);
    numbered(s, 1, EVENTS);
    uint64_t n = snapshot(0, &first, &last);
    cr_assert_eq(last, (uint64_t)EVENTS);
    cr_assert_gt(first, 1u);
    cr_assert_gt(n, 50000u, "%d events", (int)n);
    numbered(s, EVENTS + 1, 10);
    snapshot(0, &first, &last);
    cr_assert_eq(last, EVENTS + 10u, "recording went on");
    tr_stream_close(s);
}

Test(flight, an_idle_threads_events_leave_with_their_time)
{
    uint64_t first = 0, last = 0;
    struct tr_stream *s = tr_stream_open(0, 1), *idle = tr_stream_open(1, 2);
    cr_assert_eq(tr_flight(256 * KIB, 0), 0);
    numbered(idle, 1, 10);
    numbered(s, 11, 100);
    cr_assert_eq(snapshot(0, &first, &last), 110u);
    numbered(s, 111, 1000000);
    snapshot(0, &first, &last); /* 1 to 10, if they were there, would make a gap */
    cr_assert_gt(first, 110u);
}

enum { MOMENT = 50000000, PAUSE_US = 60000 };

/* A thousand records before a pause and a thousand after it, then a snapshot of `duration`; again
 * until from the first of the latter to the snapshot was less than a moment, as the machine may let
 * others run meanwhile.  Returns how many records it has. */
static uint64_t after_a_pause(struct tr_stream *s, int64_t duration, uint64_t *ret_first)
{
    uint64_t n, last = 0;
    int64_t begin;
    do {
        numbered(s, 1, 1000);
        usleep(PAUSE_US); /* sleeps: the time itself is what is looked at */
        begin = clock_nanos();
        numbered(s, 1001, 1000);
        int err = tr_snapshot(tmp_trace(), duration, "a test");
        cr_assert_eq(err, 0, "%s", strerror(-err));
    } while (clock_nanos() - begin >= MOMENT);
    n = read_back(ret_first, &last);
    cr_assert_eq(last, 2000u);
    return n;
}

Test(flight, a_snapshot_of_a_moment_has_no_more)
{
    uint64_t first = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(4096 * KIB, 0), 0);
    cr_assert_eq(after_a_pause(s, MOMENT, &first), 1000u);
    cr_assert_eq(first, 1001u);
}

Test(flight, a_duration_bounds_what_is_kept)
{
    uint64_t first = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(4096 * KIB, MOMENT), 0);
    cr_assert_eq(after_a_pause(s, 0, &first), 1000u);
    cr_assert_eq(first, 1001u);
}

Test(flight, limits_change_while_it_records)
{
    uint64_t first = 0, last = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(8192 * KIB, 0), 0);
    numbered(s, 1, 300000);
    uint64_t large = snapshot(0, &first, &last);
    cr_assert_eq(large, 300000u);
    cr_assert_eq(tr_flight(256 * KIB, 0), 0);
    uint64_t small = snapshot(0, &first, &last);
    cr_assert_lt(small, large / 2);
    cr_assert_eq(last, 300000u);
}

Test(flight, it_rests_while_a_file_is_recorded)
{
    uint64_t first = 0, last = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(512 * KIB, 0), 0);
    numbered(s, 1, 100);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    cr_assert_not(tr_flight_on());
    numbered(s, 101, 100);
    cr_assert_eq(tr_snapshot("/tmp/goshawk-none", 0, "a test"), -ENODATA);
    cr_assert_eq(tr_flight(256 * KIB, 0), 0, "heard, for later");
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    uint64_t n = 0;
    while (tr_reader_next(r, &e))
        n += e.type == TR_EV_GO_READY;
    cr_assert_eq(n, 100u);
    tr_reader_close(r);
    cr_assert(tr_flight_on());
    numbered(s, 201, 100);
    cr_assert_eq(snapshot(0, &first, &last), 100u);
    cr_assert_eq(first, 201u);
    tr_stop(); /* no file: nothing happens */
    cr_assert(tr_flight_on());
}

Test(flight, what_comes_after_the_freeze_is_not_there)
{
    uint64_t first = 0, last = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(512 * KIB, 0), 0);
    numbered(s, 1, 100);
    tr_flight_freeze();
    numbered(s, 101, 100000); /* hooks that were late */
    tr_flight_freeze();
    cr_assert_eq(snapshot(0, &first, &last), 100u);
}

/* More different texts than the tables hold: they are emptied in turns. */
Test(flight, texts_never_run_out)
{
    enum { TEXTS = 330000 };
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(1024 * KIB, 0), 0);
    for (unsigned i = 0; i < TEXTS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "text %u", i);
        tr_log(s, 0, i, "test", text);
    }
    cr_assert_eq(tr_snapshot(tmp_trace(), 0, "a test"), 0);
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    unsigned good = 0, unknown = 0;
    while (tr_reader_next(r, &e)) {
        char want[32];
        if (e.type != TR_EV_LOG)
            continue;
        snprintf(want, sizeof(want), "text %u", (unsigned)e.task);
        if (strcmp(e.text, "?") == 0)
            unknown++; /* the one that found the table full */
        else
            cr_assert_str_eq(e.text, want);
        good++;
    }
    cr_assert_gt(good, 10000u);
    cr_assert_leq(unknown, 4u);
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(flight, the_child_of_a_fork_has_none_and_may_begin_its_own)
{
    uint64_t first = 0, last = 0;
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(512 * KIB, 0), 0);
    numbered(s, 1, 100);
    pid_t pid = fork();
    if (pid == 0) {
        numbered(s, 1000, 1000); /* a hook that was late */
        char mine[80];
        snprintf(mine, sizeof(mine), "%s.child", tmp_trace());
        if (tr_flight_on() || tr_on || tr_snapshot(mine, 0, "a test") != -ENODATA)
            _exit(1);
        if (tr_flight(512 * KIB, 0) != 0)
            _exit(2);
        numbered(s, 5000, 10);
        if (tr_snapshot(mine, 0, "a test") != 0 || unlink(mine) != 0)
            _exit(3);
        _exit(tr_flight(0, 0) == 0 ? 0 : 4);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
    numbered(s, 101, 100);
    cr_assert_eq(snapshot(0, &first, &last), 200u);
}

/* Writers never stop while flights come and go and snapshots are taken.  They rest while a file is
 * read, which is nothing to them and takes long beside them. */
enum { WRITERS = 3, ROUNDS = GO_CHECKS ? 20 : 60 };
static uint32_t writers_stop;
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

static void *write_all_the_time(void *arg)
{
    uint32_t m = (uint32_t)(uintptr_t)arg;
    struct tr_stream *s = m ? tr_stream_open(m, m) : NULL; /* one of them has no stream */
    char name[32];
    for (uint64_t i = 1; !at_load_acq(&writers_stop); i++) { /* [stop] */
        if (at_load_rlx(&tr_on))                             /* relaxed: as the host's hooks do */
            tr_go_ready(s, i, 0, TR_NONE, NULL);
        if (i % 256 == 0) {
            pthread_mutex_lock(&reading);
            pthread_mutex_unlock(&reading);
        }
        if (at_load_rlx(&tr_on) && i % 64 == 0) { /* relaxed: likewise */
            snprintf(name, sizeof(name), "name %d", (int)(i % 4096));
            tr_go_name(s, i, name);
        }
    }
    tr_stream_close(s);
    return NULL;
}

static void check_whole(void)
{
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    uint64_t last[WRITERS] = {0};
    while (tr_reader_next(r, &e)) {
        unsigned m = e.m == UINT32_MAX ? 0 : e.m;
        if (e.type == TR_EV_GO_READY) {
            cr_assert(last[m] == 0 || e.g == last[m] + 1, "a record is missing");
            last[m] = e.g;
        }
        if (e.type == TR_EV_GO_NAME)
            cr_assert_eq(strncmp(e.text, "name ", 5), 0, "%s", e.text);
    }
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(flight, flights_and_snapshots_under_writers)
{
    pthread_t t[WRITERS];
    for (uintptr_t i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, write_all_the_time, (void *)i), 0);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 4 == 0)
            cr_assert_eq(tr_flight(0, 0), 0);
        cr_assert_eq(tr_flight((256 + 64 * (unsigned)(i % 4)) * KIB, 0), 0);
        cr_assert_eq(tr_snapshot(tmp_trace(), 0, "a test"), 0);
        pthread_mutex_lock(&reading);
        check_whole();
        pthread_mutex_unlock(&reading);
    }
    at_store_rel(&writers_stop, 1u); /* [stop] */
    for (int i = 0; i < WRITERS; i++)
        pthread_join(t[i], NULL);
    cr_assert_eq(tr_flight(0, 0), 0);
    unlink(tmp_trace());
}

/* The host takes so long to answer that the ring turns meanwhile. */
static struct tr_stream *slow_stream;
static uint64_t slow_next, slow_events;

static void tell_slowly(tr_tell *tell, void *arg)
{
    (void)tell;
    (void)arg;
    numbered(slow_stream, slow_next, slow_events);
    slow_next += slow_events;
}

static uint32_t one(void)
{
    return 1;
}

Test(flight, what_is_recorded_while_the_host_is_asked_leaves_no_gap)
{
    static const struct tr_host host = {tell_slowly, one};
    uint64_t first = 0, last = 0;
    tr_host_is(&host);
    slow_stream = tr_stream_open(0, 1);
    cr_assert_eq(tr_flight(512 * KIB, 0), 0);
    slow_next = 1;
    for (slow_events = 1000; slow_events < 2000000; slow_events *= 5) {
        numbered(slow_stream, slow_next, 300000);
        slow_next += 300000;
        snapshot(0, &first, &last);
        cr_assert_eq(last, slow_next - 1);
        cr_assert_lt(first, last);
    }
}
