/* The file: cut at every byte, damaged at any, and its clock. */
#include <errno.h>
#include "tr_file.h"
#include "rand.h"

static struct built b;

/* Two threads, some hundred events; returns how many. */
static unsigned build(void)
{
    unsigned n = 0;
    built_init(&b, 2);
    for (unsigned m = 0; m < 2; m++, n++)
        b_proc(&b, m, 10, TR_EV_P_START, m);
    for (unsigned i = 0; i < 40; i++)
        for (unsigned m = 0; m < 2; m++, n += 3) {
            uint64_t g = 1 + i * 2 + m, at = 100 + i * 50 + m;
            b_create(&b, m, at, g);
            b_start(&b, m, at + 10, g, m);
            b_about_g(&b, m, at + 20, TR_EV_GO_END, g);
        }
    return n;
}

static int open_part(const void *p, size_t n, struct tr_reader **ret)
{
    char err[TR_ERR_MAX] = "";
    *ret = NULL;
    int e = tr_reader_open_mem(p, n, ret, err);
    cr_assert(e == 0 || *err);
    return e;
}

Test(reader_chunks, cut_at_every_byte_gives_every_record_before_the_cut)
{
    const size_t size = 3 * BUILT_CHUNK;
    unsigned all = build(), before = 0;
    for (size_t n = 0; n < size; n++) {
        unsigned char *part = malloc(n ? n : 1); /* of exactly this size, for the sanitizer */
        memcpy(part, b.bytes, n);
        struct tr_reader *r;
        if (open_part(part, n, &r) != 0) {
            cr_assert_lt(n, sizeof(struct tr_file_header));
            free(part);
            continue;
        }
        struct tr_event e;
        unsigned events = 0;
        while (tr_reader_next(r, &e)) {
            cr_assert_null(e.wrong, "cut at %zu: %s", n, e.wrong);
            cr_assert_lt(e.offset, n);
            events++;
        }
        cr_assert_geq(events, before, "cut at %zu: fewer events than one byte before", n);
        cr_assert_not_null(tr_reader_info(r)->problem, "cut at %zu is not told", n);
        cr_assert_not(tr_reader_info(r)->damaged, "cut at %zu: %s", n, tr_reader_info(r)->problem);
        before = events;
        tr_reader_close(r);
        free(part);
    }
    cr_assert_eq(before, all, "%u of %u", before, all);
}

Test(reader_chunks, a_cut_says_up_to_when_all_threads_are_there)
{
    build();
    struct tr_reader *r;
    struct tr_event e;
    size_t n = BUILT_CHUNK + 1000; /* within the first thread's chunk; the second's is gone */
    cr_assert_eq(open_part(b.bytes, n, &r), 0);
    cr_assert_eq(tr_reader_info(r)->complete_until, 0);
    cr_assert_str_eq(tr_reader_info(r)->problem, "cut at offset 5096 of 12288");
    tr_reader_close(r);
    n = 2 * BUILT_CHUNK + 500; /* within the last chunk: whole up to its last record */
    cr_assert_eq(open_part(b.bytes, n, &r), 0);
    int64_t last = -1;
    while (tr_reader_next(r, &e))
        last = e.m == 1 ? e.time : last;
    cr_assert_eq(tr_reader_info(r)->complete_until, last);
    tr_reader_close(r);
}

Test(reader_chunks, a_file_that_was_allocated_but_not_begun_says_so)
{
    static const unsigned char zeros[3 * BUILT_CHUNK];
    struct tr_reader *r;
    char err[TR_ERR_MAX];
    cr_assert_eq(tr_reader_open_mem(zeros, sizeof(zeros), &r, err), -EBADMSG);
    cr_assert_not_null(strstr(err, "the program ended before the recording had begun"), "%s", err);
}

Test(reader_chunks, a_damaged_chunk_header_loses_that_chunk_only)
{
    unsigned all = build();
    b.bytes[BUILT_CHUNK + 20] ^= 0x10;
    struct tr_reader *r;
    struct tr_event e;
    unsigned events = 0;
    cr_assert_eq(open_part(b.bytes, 3 * BUILT_CHUNK, &r), 0);
    cr_assert_str_eq(tr_reader_info(r)->problem,
                     "damaged at offset 4096: checksum of a chunk header");
    cr_assert(tr_reader_info(r)->damaged);
    while (tr_reader_next(r, &e))
        events++;
    cr_assert_eq(events, all / 2);
    tr_reader_close(r);
}

Test(reader_chunks, a_finished_chunk_is_summed)
{
    build();
    struct tr_chunk_header *c = built_chunk(&b, 1);
    c->payload_sum = tr_sum(c + 1, c->used - sizeof(*c));
    struct tr_reader *r;
    struct tr_event e;
    cr_assert_eq(open_part(b.bytes, 3 * BUILT_CHUNK, &r), 0);
    while (tr_reader_next(r, &e))
        ;
    cr_assert_null(tr_reader_info(r)->problem);
    tr_reader_close(r);
    ((unsigned char *)(c + 1))[3] ^=
        0x40; /* a bit of a time: still readable, but not what was written */
    cr_assert_eq(open_part(b.bytes, 3 * BUILT_CHUNK, &r), 0);
    while (tr_reader_next(r, &e))
        ;
    cr_assert_not_null(tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(reader_chunks, a_chunk_that_is_missing_in_the_middle_is_told)
{
    build();
    built_chunk(&b, 1)->seq = 5;
    built_seal(&b);
    struct tr_reader *r;
    cr_assert_eq(open_part(b.bytes, 3 * BUILT_CHUNK, &r), 0);
    cr_assert_not_null(strstr(tr_reader_info(r)->problem, "a chunk of thread M0 is lost before"));
    tr_reader_close(r);
}

Test(reader_chunks, preallocated_space_is_passed_over)
{
    static unsigned char file[6 * BUILT_CHUNK];
    unsigned all = build(), events = 0;
    memset(file, 0, sizeof(file));
    memcpy(file, b.bytes, 3 * BUILT_CHUNK);
    ((struct tr_file_header *)file)->end = TR_FILE_OPEN;
    struct tr_reader *r;
    struct tr_event e;
    cr_assert_eq(open_part(file, sizeof(file), &r), 0);
    while (tr_reader_next(r, &e))
        events++;
    cr_assert_eq(events, all);
    cr_assert_null(tr_reader_info(r)->problem);
    cr_assert_eq(tr_reader_info(r)->end, TR_END_KILLED);
    tr_reader_close(r);
}

/* One thread: its first chunk, and a second one that is written in chunk `in`, of place 3. */
static void build_staged(unsigned in)
{
    built_init(&b, 3);
    b_create(&b, 0, 100, 1);
    b.now[in - 1] = 150;
    b_create(&b, in - 1, 200, 2);
    for (unsigned i = 2; i <= 3; i++) {
        struct tr_chunk_header *c = built_chunk(&b, i);
        c->stream = 1;
        c->seq = 1;
        c->ticks = 150;
        c->m = 0;
        c->place = 3;
    }
    if (in == 2)
        memset(built_chunk(&b, 3), 0, sizeof(struct tr_chunk_header));
    built_seal(&b);
    if (in == 2)
        memset(built_chunk(&b, 3), 0, sizeof(struct tr_chunk_header));
}

static unsigned count(struct tr_reader *r)
{
    struct tr_event e;
    unsigned n = 0;
    while (tr_reader_next(r, &e))
        n++;
    return n;
}

Test(reader_chunks, a_staging_chunk_is_the_one_that_it_stands_for)
{
    struct tr_reader *r;
    build_staged(2);
    r = built_open(&b);
    cr_assert_eq(count(r), 2u);
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    tr_reader_close(r);
    /* killed while it was being copied: its place has the header and nothing else yet */
    *built_chunk(&b, 3) = *built_chunk(&b, 2);
    r = built_open(&b);
    cr_assert_eq(count(r), 2u);
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(reader_chunks, a_staging_chunk_between_two_is_empty)
{
    build_staged(3);
    built_chunk(&b, 2)->place = 0;
    struct tr_file_header *f = (struct tr_file_header *)b.bytes;
    f->end = TR_FILE_OPEN;
    struct tr_reader *r = built_open(&b);
    cr_assert_eq(count(r), 2u);
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    tr_reader_close(r);
    f->end = TR_FILE_STOPPED; /* nobody stops a recording then */
    r = built_open(&b);
    cr_assert_not_null(tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(reader_chunks, a_chunk_of_an_earlier_place_is_damage)
{
    build_staged(2);
    built_chunk(&b, 2)->place = 1;
    built_seal(&b);
    struct tr_reader *r = built_open(&b);
    cr_assert_not_null(strstr(tr_reader_info(r)->problem, "belongs elsewhere"));
    cr_assert_eq(count(r), 1u);
    tr_reader_close(r);
}

Test(reader_chunks, a_place_that_two_say_or_that_does_not_exist_is_damage)
{
    for (int twice = 0; twice < 2; twice++) {
        build_staged(2);
        built_chunk(&b, twice ? 1 : 2)->place = twice ? 3 : 9;
        built_seal(&b);
        memset(built_chunk(&b, 3), 0, sizeof(struct tr_chunk_header));
        struct tr_reader *r = built_open(&b);
        cr_assert_not_null(strstr(tr_reader_info(r)->problem, "belongs elsewhere"));
        tr_reader_close(r);
    }
}

/* The program runs: between the opening and the reading of the chunk it was copied to its place,
 * and the staging chunk stands for another one. */
Test(reader_chunks, a_staging_chunk_that_has_gone_on_is_read_from_its_place)
{
    build_staged(2);
    struct tr_reader *r;
    char err[TR_ERR_MAX] = "";
    ((struct tr_file_header *)b.bytes)->end = TR_FILE_OPEN;
    cr_assert_eq(tr_reader_open_mem(b.bytes, 4 * BUILT_CHUNK, &r, err), 0, "%s", err);
    struct tr_chunk_header *staging = built_chunk(&b, 2);
    memcpy(built_chunk(&b, 3), staging, BUILT_CHUNK);
    memset(staging, 0x5a, BUILT_CHUNK);
    staging->place = 4;
    struct tr_event e;
    cr_assert(tr_reader_next(r, &e) && e.g == 1);
    cr_assert(tr_reader_next(r, &e) && e.g == 2);
    cr_assert_not(tr_reader_next(r, &e));
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    tr_reader_close(r);
}

/* Random damage: no crash, an end, times that do not decrease.  The sanitizers look at the rest. */
Test(reader_chunks, random_damage_is_survived)
{
    static unsigned char file[3 * BUILT_CHUNK];
    build();
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct rt_rand rnd = {seed};
        memcpy(file, b.bytes, sizeof(file));
        unsigned hits = 1 + rand_below(&rnd, 8);
        for (unsigned i = 0; i < hits; i++) {
            size_t at = rand_below(&rnd, 2)
                            ? rand_below(&rnd, sizeof(file))
                            : rand_below(&rnd, 3) * BUILT_CHUNK + rand_below(&rnd, 1500);
            file[at] = (unsigned char)rand_next(&rnd);
        }
        if (rand_below(&rnd, 2)) { /* as a clever attacker would */
            memcpy(b.bytes, file, sizeof(file));
            built_seal(&b);
            memcpy(file, b.bytes, sizeof(file));
            build();
        }
        struct tr_reader *r;
        if (open_part(file, sizeof(file), &r) != 0)
            continue;
        struct tr_event e;
        int64_t last = 0;
        unsigned n = 0;
        for (; tr_reader_next(r, &e); n++) {
            cr_assert_geq(e.time, last, "seed=%llu", (unsigned long long)seed);
            last = e.time;
        }
        cr_assert_leq(n, sizeof(file) / 2, "seed=%llu", (unsigned long long)seed);
        tr_reader_close(r);
    }
}

Test(reader_chunks, a_time_long_after_the_end_is_damage)
{
    built_init(&b, 1);
    b_create(&b, 0, 10, 1);
    b_create(&b, 0, 20, 2);
    b_create(&b, 0, (uint64_t)1 << 50, 3);
    ((struct tr_file_header *)b.bytes)->end_ticks = 100;
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    cr_assert_lt(tr_reader_info(r)->end_ns, 1000);
    cr_assert(tr_reader_next(r, &e));
    cr_assert(tr_reader_next(r, &e));
    cr_assert_not(tr_reader_next(r, &e));
    cr_assert(tr_reader_info(r)->damaged);
    tr_reader_close(r);
}

Test(reader_chunks, the_rate_comes_from_the_longest_distance)
{
    built_init(&b, 1);
    struct tr_chunk_header *c = built_chunk(&b, 1);
    c->ticks = 1001000000; /* after one second by the other clock: the counter is 0.1 % faster */
    c->mono = 1000000000;
    built_seal(&b);
    b_create(&b, 0, 1001000, 1);
    ((struct tr_file_header *)b.bytes)->end_ticks = 1002001000;
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    cr_assert(tr_reader_next(r, &e));
    cr_assert_leq(e.time, 1001000001);
    cr_assert_geq(e.time, 1000999000);
    tr_reader_close(r);
}
