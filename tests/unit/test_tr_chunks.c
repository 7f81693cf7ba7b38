/* The file of a recording: its limits, and its chunks from their beginning to their place. */
#include "tr_file.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void limited(const char *limit, unsigned bytes)
{
    struct tr_info info;
    setenv("GOSHAWK_TRACE_LIMIT", limit, 1);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    some_events(s, 1000000);
    cr_assert_eq(tr_on, 0u);
    tr_stop();
    uint64_t n = count_events(tmp_trace(), &info);
    cr_assert_gt(n, 10000u);
    cr_assert_eq(info.end, TR_END_LIMIT);
    cr_assert_leq(info.file_size, bytes);
    cr_assert_null(info.problem);
    tr_stream_close(s);
    unlink(tmp_trace());
}

Test(chunks, the_size_limit_ends_the_recording_and_not_the_program)
{
    limited("128K", 128 << 10);
    limited("192K", 192 << 10); /* room for one chunk more, but a staging chunk needs two */
    limited("260K", 260 << 10);
    limited("600K", 600 << 10);
}

Test(chunks, a_file_size_limit_of_the_process_is_no_signal)
{
    struct tr_info info;
    struct rlimit lim = {400000, 400000};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    some_events(s, 1000000);
    cr_assert_eq(tr_on, 0u);
    count_events(tmp_trace(), &info);
    cr_assert_eq(info.end, TR_END_FULL);
    cr_assert_eq(info.end_errno, EFBIG);
    unlink(tmp_trace());
}

/* The limit comes when the next chunk's space is there already: only writing to it is forbidden. */
Test(chunks, a_file_size_limit_that_comes_later_is_no_signal)
{
    struct tr_info info;
    struct rlimit lim = {100000, 100000};
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    some_events(s, LONG);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
    some_events(s, LONG);
    cr_assert_eq(tr_on, 0u);
    cr_assert_geq(count_events(tmp_trace(), &info), (uint64_t)LONG);
    cr_assert_eq(info.end, TR_END_FULL);
    cr_assert_eq(info.end_errno, EFBIG);
    cr_assert_null(info.problem);
    unlink(tmp_trace());
}

/* Closes the recorder's descriptor, as a daemon does, when n events are in the file.  More than
 * kept are there in the end. */
static void close_descriptor(int n, uint64_t kept)
{
    char other[80];
    struct tr_info info;
    snprintf(other, sizeof(other), "%s.other", tmp_trace());
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    some_events(s, n);
    for (int fd = 3; fd < 100; fd++) {
        struct stat a, b;
        if (fstat(fd, &a) == 0 && stat(tmp_trace(), &b) == 0 && a.st_ino == b.st_ino) {
            close(fd);
            int mine = open(other, O_RDWR | O_CREAT | O_TRUNC, 0600);
            cr_assert_eq(mine, fd, "the number is taken again");
        }
    }
    some_events(s, 1000000);
    tr_stop();
    struct stat st;
    cr_assert_eq(stat(other, &st), 0);
    cr_assert_eq(st.st_size, 0, "the program's own file was written to");
    cr_assert_gt(count_events(tmp_trace(), &info), kept);
    cr_assert_null(info.problem);
    unlink(other);
    unlink(tmp_trace());
}

Test(chunks, a_descriptor_closed_by_the_program_ends_the_recording_only)
{
    close_descriptor(10, 10000);
    close_descriptor(LONG, LONG);
}

/* ---- staging ---- */

static const struct tr_chunk_header *chunk_at(const unsigned char *file, size_t i)
{
    return (const struct tr_chunk_header *)(file + i * TR_CHUNK_SIZE);
}

/* Two streams whose chunks alternate: each has its first chunk where it belongs, then one staging
 * chunk, from which the later ones have gone to their places. */
Test(chunks, a_stream_that_is_long_has_one_staging_chunk)
{
    enum { ROUNDS = 10 };
    size_t size;
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s[] = {tr_stream_open(0, 1), tr_stream_open(1, 2)};
    for (int i = 0; i < 2 * ROUNDS; i++)
        some_events(s[i % 2], LONG / 4);
    tr_stop();
    unsigned char *file = read_all(tmp_trace(), &size);
    const size_t n = size / TR_CHUNK_SIZE;
    unsigned staging[3] = {0}, placed[3] = {0};
    for (size_t i = 1; i < n; i++) {
        const struct tr_chunk_header *c = chunk_at(file, i);
        if (c->magic == 0)
            continue; /* a staging chunk stands for it */
        cr_assert(c->magic == TR_CHUNK_MAGIC && c->header_sum == tr_chunk_header_sum(c));
        cr_assert(c->stream == 1 || c->stream == 2);
        if (c->place != i) {
            cr_assert_gt(c->place, i);
            cr_assert_eq(chunk_at(file, c->place)->magic, 0u);
            staging[c->stream]++;
            continue;
        }
        cr_assert_eq(c->seq, placed[c->stream]++);
        cr_assert_eq(c->payload_sum, tr_sum(c + 1, c->used - sizeof(*c)));
    }
    for (unsigned i = 1; i <= 2; i++)
        cr_assert(staging[i] == 1 && placed[i] > 5, "%u staging, %u placed", staging[i], placed[i]);
    free(file);
    struct tr_info info;
    cr_assert_eq(count_events(tmp_trace(), &info), 2u * ROUNDS * (LONG / 4) + 2,
                 "and two beginnings of threads");
    cr_assert_null(info.problem);
    unlink(tmp_trace());
}
