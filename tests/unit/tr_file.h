/* tr_file.h - traces for tests: recorded into a temporary file, or built by hand, record by
 * record. */
#ifndef TR_FILE_H
#define TR_FILE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format.h"
#include "reader.h"

/* ---- recorded ---- */

/* A name for a trace that does not exist yet; the same for the whole process. */
static inline const char *tmp_trace(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/goshawk-test-%d.gtrace", (int)getpid());
    return path;
}

static inline struct tr_reader *open_trace(const char *path)
{
    char err[TR_ERR_MAX] = "";
    struct tr_reader *r = NULL;
    cr_assert_eq(tr_reader_open(path, &r, err), 0, "%s", err);
    return r;
}

static inline unsigned char *read_all(const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f);
    cr_assert_eq(fseek(f, 0, SEEK_END), 0);
    *ret_n = (size_t)ftell(f);
    rewind(f);
    unsigned char *p = malloc(*ret_n + 1);
    cr_assert_eq(fread(p, 1, *ret_n, f), *ret_n);
    fclose(f);
    return p;
}

enum { LONG = 60000 }; /* some_events() of several chunks: the stream has a staging chunk */

static inline uint64_t count_events(const char *path, struct tr_info *ret)
{
    struct tr_reader *r = open_trace(path);
    struct tr_event e;
    uint64_t n = 0;
    while (tr_reader_next(r, &e))
        n++;
    *ret = *tr_reader_info(r);
    ret->problem = ret->problem ? "yes" : NULL;
    tr_reader_close(r);
    return n;
}

static inline void some_events(struct tr_stream *s, int n)
{
    for (int i = 0; i < n; i++)
        tr_go_ready(s, 1 + (uint64_t)i % 10, 0, TR_NONE, NULL);
}

/* ---- built ---- one nanosecond a tick; stream i + 1 is that of M i */

enum { BUILT_CHUNK = 4096, BUILT_STREAMS = 4, BUILT_SIZE = BUILT_CHUNK * (BUILT_STREAMS + 1) };

struct built {
    unsigned char bytes[BUILT_SIZE];
    uint64_t now[BUILT_STREAMS];
    uint64_t last_g[BUILT_STREAMS];
    unsigned streams;
};

static inline struct tr_chunk_header *built_chunk(struct built *b, unsigned i)
{
    size_t at = i == 0 ? sizeof(struct tr_file_header) : (size_t)i * BUILT_CHUNK;
    return (struct tr_chunk_header *)(b->bytes + at);
}

static inline void built_seal(struct built *b)
{
    struct tr_file_header *f = (struct tr_file_header *)b->bytes;
    f->sum = tr_sum(f, offsetof(struct tr_file_header, sum));
    for (unsigned i = 0; i <= b->streams; i++)
        built_chunk(b, i)->header_sum = tr_chunk_header_sum(built_chunk(b, i));
}

/* An ended recording from the start of a program, with so many empty streams. */
static inline void built_init(struct built *b, unsigned streams)
{
    memset(b, 0, sizeof(*b));
    b->streams = streams;
    struct tr_file_header *f = (struct tr_file_header *)b->bytes;
    *f = (struct tr_file_header){
        .version = TR_VERSION,
        .header_size = sizeof(*f),
        .chunk_size = BUILT_CHUNK,
        .flags = TR_FILE_FROM_START,
        .tick_hz = 1000000000,
        .chunks = streams + 1u,
        .end = TR_FILE_STOPPED,
    };
    memcpy(f->magic, TR_MAGIC, TR_MAGIC_LEN);
    for (unsigned i = 0; i <= streams; i++)
        *built_chunk(b, i) = (struct tr_chunk_header){.magic = TR_CHUNK_MAGIC,
                                                      .used = sizeof(struct tr_chunk_header),
                                                      .stream = i,
                                                      .place = i,
                                                      .cur_p = -1,
                                                      .m = i ? i - 1 : 0};
    built_seal(b);
}

static inline void built_raw(struct built *b, unsigned chunk, const void *p, size_t n)
{
    struct tr_chunk_header *c = built_chunk(b, chunk);
    memcpy((char *)c + c->used, p, n);
    c->used += (uint32_t)n;
}

/* A record of M m at time `at`: a head, which says X or not, the n bytes of context and arguments,
 * and the time in full. */
static inline void built_record(struct built *b, unsigned m, uint64_t at, unsigned head,
                                const void *args, size_t n)
{
    unsigned char first = (unsigned char)(head | 3 << 6);
    uint64_t dt = at - b->now[m];
    b->now[m] = at;
    struct tr_file_header *f = (struct tr_file_header *)b->bytes;
    f->end_ticks = at > f->end_ticks ? at : f->end_ticks;
    built_raw(b, m + 1, &first, 1);
    built_raw(b, m + 1, args, n);
    built_raw(b, m + 1, &dt, 7);
}

/* One whose context and arguments are numbers, as many as count says, and then a key and a stack,
 * if it has a key. */
static inline void built_event(struct built *b, unsigned m, uint64_t at, unsigned head,
                               unsigned count, const uint64_t *numbers, const uint64_t *key)
{
    unsigned char buf[TR_RECORD_MAX], *p = buf;
    for (unsigned i = 0; i < count; i++)
        p = tr_put_leb(p, numbers[i]);
    if (key) {
        *p++ = TR_KEY_NEW;
        memcpy(p, key, sizeof(*key));
        p += sizeof(*key);
        *p++ = 0;
    }
    built_record(b, m, at, head, buf, (size_t)(p - buf));
}

static inline uint64_t built_g(struct built *b, unsigned m, uint64_t g)
{
    uint64_t z = tr_zigzag(g - b->last_g[m]);
    b->last_g[m] = g;
    return z;
}

/* The events by name.  Objects and functions are left out (key 0, defined by a new key). */
static inline void b_create(struct built *b, unsigned m, uint64_t at, uint64_t g)
{
    uint64_t by = built_g(b, m, 0), numbers[] = {by, built_g(b, m, g)};
    built_event(b, m, at, TR_EV_GO_CREATE | TR_HEAD_X, 2, numbers, &(uint64_t){0});
}

static inline void b_start(struct built *b, unsigned m, uint64_t at, uint64_t g, unsigned p)
{
    uint64_t numbers[] = {p, built_g(b, m, g)};
    built_event(b, m, at, TR_EV_GO_START | TR_HEAD_X, 2, numbers, NULL);
}

static inline void b_block(struct built *b, unsigned m, uint64_t at, uint64_t g, unsigned why,
                           uint64_t obj)
{
    uint64_t numbers[] = {built_g(b, m, g)}, key = (uint64_t)why << TR_KEY_WHY_SHIFT | obj;
    built_event(b, m, at, TR_EV_GO_BLOCK | TR_HEAD_X, 1, numbers, &key);
}

static inline void b_about_g(struct built *b, unsigned m, uint64_t at, enum tr_type type,
                             uint64_t g)
{
    uint64_t numbers[] = {built_g(b, m, g)};
    built_event(b, m, at, type | TR_HEAD_X, 1, numbers, NULL);
}

static inline void b_ready(struct built *b, unsigned m, uint64_t at, uint64_t g, uint64_t by)
{
    uint64_t ctx = built_g(b, m, by), numbers[] = {ctx, built_g(b, m, g)};
    built_event(b, m, at, TR_EV_GO_READY | TR_HEAD_X, 2, numbers, &(uint64_t){0});
}

/* P_STOP has its P as context, P_START as argument. */
static inline void b_proc(struct built *b, unsigned m, uint64_t at, enum tr_type type, unsigned p)
{
    built_event(b, m, at, type == TR_EV_P_START ? type : type | TR_HEAD_X, 1, (uint64_t[]){p},
                NULL);
}

static inline void b_retake(struct built *b, unsigned m, uint64_t at, unsigned p, unsigned victim)
{
    built_event(b, m, at, TR_EV_P_RETAKE, 2, (uint64_t[]){p, victim}, NULL);
}

static inline void b_thread(struct built *b, unsigned m, uint64_t at, enum tr_type type)
{
    built_event(b, m, at, type, 0, NULL, NULL);
}

static inline struct tr_reader *built_open(struct built *b)
{
    char err[TR_ERR_MAX] = "";
    struct tr_reader *r = NULL;
    cr_assert_eq(tr_reader_open_mem(b->bytes, (size_t)(b->streams + 1) * BUILT_CHUNK, &r, err), 0,
                 "%s", err);
    return r;
}

#endif
