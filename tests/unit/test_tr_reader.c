/* The merge: order across streams, repaired where clocks disagree, and no more than that. */
#include "tr_file.h"
#include <errno.h>
#include <fcntl.h>
#include "rand.h"

static struct built b;

/* The events as "type goroutine" words, for comparison. */
static void sequence(struct tr_reader *r, char *buf, size_t cap)
{
    struct tr_event e;
    size_t n = 0;
    *buf = 0;
    while (tr_reader_next(r, &e) && n < cap)
        n += (size_t)snprintf(buf + n, cap - n, "%s%s:%llu%s", n ? " " : "", tr_type_name(e.type),
                              (unsigned long long)e.g, e.wrong ? "!" : "");
}

Test(reader, streams_are_merged_by_time)
{
    char got[400];
    built_init(&b, 3);
    b_create(&b, 0, 10, 1);
    b_create(&b, 1, 20, 2);
    b_create(&b, 2, 5, 3);
    b_create(&b, 0, 15, 4);
    b_create(&b, 2, 30, 5);
    struct tr_reader *r = built_open(&b);
    sequence(r, got, sizeof(got));
    cr_assert_str_eq(got, "go:3 go:1 go:4 go:2 go:5");
    tr_reader_rewind(r);
    sequence(r, got, sizeof(got));
    cr_assert_str_eq(got, "go:3 go:1 go:4 go:2 go:5", "after rewind");
    tr_reader_close(r);
}

Test(reader, a_start_before_its_ready_by_the_clock_is_put_behind_it)
{
    char got[400];
    built_init(&b, 2);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_create(&b, 0, 11, 1);
    b_create(&b, 0, 12, 2);
    b_start(&b, 0, 13, 1, 0);
    b_block(&b, 0, 20, 1, TR_CHAN_RECV, 0x40);
    b_start(&b, 0, 21, 2, 0);
    b_ready(&b, 0, 100, 1, 2);
    b_proc(&b, 1, 90, TR_EV_P_START, 1);
    b_start(&b, 1, 95, 1, 1); /* its clock is 5 ns and more behind */
    b_about_g(&b, 1, 96, TR_EV_GO_END, 1);
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    int64_t last = 0, started = 0;
    while (tr_reader_next(r, &e)) {
        cr_assert_null(e.wrong, "%s", e.wrong);
        cr_assert_geq(e.time, last);
        last = e.time;
        if (e.type == TR_EV_GO_START && e.g == 1 && e.m == 1)
            started = e.time;
    }
    cr_assert_eq(started, 100);
    cr_assert_eq(tr_reader_info(r)->repaired, 2u);
    tr_reader_rewind(r);
    sequence(r, got, sizeof(got));
    cr_assert_not_null(strstr(got, "ready:1 start:1 end:1"), "%s", got);
    tr_reader_close(r);
}

Test(reader, clocks_are_not_believed_to_differ_by_a_millisecond)
{
    char got[400];
    built_init(&b, 2);
    b_proc(&b, 0, 10, TR_EV_P_START, 0);
    b_create(&b, 0, 11, 1);
    b_start(&b, 0, 13, 1, 0);
    b_block(&b, 0, 20, 1, TR_CHAN_RECV, 0x40);
    b_ready(&b, 0, 3000000, 1, 0);
    b_proc(&b, 1, 90, TR_EV_P_START, 1);
    b_start(&b, 1, 95, 1, 1);
    struct tr_reader *r = built_open(&b);
    sequence(r, got, sizeof(got));
    cr_assert_not_null(strstr(got, "start:1! ready:1!"), "%s", got);
    tr_reader_close(r);
}

/* A random schedule with clocks that differ by less than a turn (start to start) of the
 * goroutine must come back without a violation. */
Test(reader, a_shaken_schedule_is_put_right)
{
    enum { STEPS = 100 };
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rt_rand r = {seed};
        uint64_t shake[2] = {rand_below(&r, 100), rand_below(&r, 100)}, t = 1000;
        built_init(&b, 2);
        b_proc(&b, 0, t + shake[0], TR_EV_P_START, 0);
        b_proc(&b, 1, t + shake[1], TR_EV_P_START, 1);
        b_create(&b, 0, t + 1 + shake[0], 1);
        for (int i = 0; i < STEPS; i++) { /* goroutine 1 wanders between two threads */
            unsigned m = rand_below(&r, 2), other = rand_below(&r, 2);
            b_start(&b, m, (t += 40 + rand_below(&r, 30)) + shake[m], 1, m);
            b_block(&b, m, (t += 40 + rand_below(&r, 30)) + shake[m], 1, TR_CHAN_RECV, 0x40);
            b_ready(&b, other, (t += 40 + rand_below(&r, 30)) + shake[other], 1, 0);
        }
        struct tr_reader *rd = built_open(&b);
        struct tr_event e;
        uint64_t n = 0;
        while (tr_reader_next(rd, &e)) {
            cr_assert_null(e.wrong, "seed=%llu: %s", (unsigned long long)seed, e.wrong);
            n++;
        }
        cr_assert_eq(n, 3u + 3 * STEPS);
        tr_reader_close(rd);
    }
}

static void expect_error(const char *path, int want, const char *text)
{
    char err[TR_ERR_MAX] = "";
    struct tr_reader *r = NULL;
    cr_assert_eq(tr_reader_open(path, &r, err), want, "%s", err);
    cr_assert_null(r);
    cr_assert_not_null(strstr(err, text), "got \"%s\"", err);
    cr_assert_not_null(strstr(err, path), "got \"%s\"", err);
    cr_assert_null(strchr(err, '\n'));
}

static void write_file(const void *p, size_t n)
{
    FILE *f = fopen(tmp_trace(), "wb");
    cr_assert_eq(fwrite(p, 1, n, f), n);
    fclose(f);
}

Test(reader, what_is_not_a_trace_is_refused_in_one_line)
{
    expect_error("/tmp/goshawk-no-such-file", -ENOENT, "No such file");
    expect_error("/tmp", -EISDIR, "Is a directory");
    expect_error("/dev/null", -ESPIPE, "not a regular file");
    write_file("", 0);
    expect_error(tmp_trace(), -EBADMSG, "empty");
    write_file("\x7f"
               "ELF and so on and so on",
               20);
    expect_error(tmp_trace(), -EBADMSG, "not a goshawk trace");
    write_file("GT", 2);
    expect_error(tmp_trace(), -EBADMSG, "not a goshawk trace");
    write_file(TR_MAGIC "\1", 9);
    expect_error(tmp_trace(), -EBADMSG, "cut within its header");
    built_init(&b, 1);
    ((struct tr_file_header *)b.bytes)->version = 77;
    built_seal(&b);
    write_file(b.bytes, BUILT_CHUNK * 2);
    expect_error(tmp_trace(), -EBADMSG, "version 77");
    built_init(&b, 1);
    b.bytes[33] ^= 1;
    write_file(b.bytes, BUILT_CHUNK * 2);
    expect_error(tmp_trace(), -EBADMSG, "header is damaged");
    unlink(tmp_trace());
}

Test(reader, verdicts)
{
    char text[TR_ERR_MAX];
    built_init(&b, 1);
    b_create(&b, 0, 1500000000, 1);
    struct tr_reader *r = built_open(&b);
    tr_reader_verdict(r, text, sizeof(text));
    cr_assert_str_eq(text, "recorded to its end at 1.500000 s; nothing lost");
    tr_reader_close(r);

    ((struct tr_file_header *)b.bytes)->end = TR_FILE_OPEN;
    r = built_open(&b);
    tr_reader_verdict(r, text, sizeof(text));
    cr_assert_str_eq(text, "ended by a kill or a crash at 1.500000 s; nothing lost");
    tr_reader_close(r);

    ((struct tr_file_header *)b.bytes)->end = TR_FILE_FULL;
    ((struct tr_file_header *)b.bytes)->end_errno = ENOSPC;
    r = built_open(&b);
    tr_reader_verdict(r, text, sizeof(text));
    cr_assert_not_null(strstr(text, "No space left on device"), "%s", text);
    tr_reader_close(r);
}
