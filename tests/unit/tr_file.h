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

/* Head, time and context of a record of M m at time `at`; then its arguments follow as numbers. */
static inline void built_event(struct built *b, unsigned m, uint64_t at, unsigned type,
                               uint64_t ctx, unsigned args, const uint64_t *arg)
{
    unsigned char buf[TR_RECORD_MAX], *p = buf;
    uint64_t dt = at - b->now[m];
    b->now[m] = at;
    struct tr_file_header *f = (struct tr_file_header *)b->bytes;
    f->end_ticks = at > f->end_ticks ? at : f->end_ticks;
    *p++ = (unsigned char)(type | TR_HEAD_X | 3 << 6);
    memcpy(p, &dt, 7);
    p = tr_put_leb(p + 7, ctx);
    for (unsigned i = 0; i < args; i++)
        p = tr_put_leb(p, arg[i]);
    built_raw(b, m + 1, buf, (size_t)(p - buf));
}

static inline uint64_t built_g(struct built *b, unsigned m, uint64_t g)
{
    uint64_t z = tr_zigzag(g - b->last_g[m]);
    b->last_g[m] = g;
    return z;
}

/* The events by name.  Objects and functions are left out (key 0, defined by a new key). */
static inline void built_key(struct built *b, unsigned m, uint64_t key, unsigned stack)
{
    unsigned char buf[10] = {TR_KEY_NEW};
    memcpy(buf + 1, &key, sizeof(key));
    buf[9] = (unsigned char)stack;
    built_raw(b, m + 1, buf, sizeof(buf));
}

static inline void b_create(struct built *b, unsigned m, uint64_t at, uint64_t g)
{
    uint64_t by = built_g(b, m, 0);
    built_event(b, m, at, TR_EV_GO_CREATE, by, 1, (uint64_t[]){built_g(b, m, g)});
    built_key(b, m, 0, 0);
}

static inline void b_start(struct built *b, unsigned m, uint64_t at, uint64_t g, unsigned p)
{
    built_event(b, m, at, TR_EV_GO_START, p, 1, (uint64_t[]){built_g(b, m, g)});
}

static inline void b_block(struct built *b, unsigned m, uint64_t at, uint64_t g, unsigned why,
                           uint64_t obj)
{
    built_event(b, m, at, TR_EV_GO_BLOCK, built_g(b, m, g), 0, NULL);
    built_key(b, m, (uint64_t)why << TR_KEY_WHY_SHIFT | obj, 0);
}

static inline void b_about_g(struct built *b, unsigned m, uint64_t at, enum tr_type type,
                             uint64_t g)
{
    built_event(b, m, at, type, built_g(b, m, g), 0, NULL);
}

static inline void b_ready(struct built *b, unsigned m, uint64_t at, uint64_t g, uint64_t by)
{
    uint64_t ctx = built_g(b, m, by);
    built_event(b, m, at, TR_EV_GO_READY, ctx, 1, (uint64_t[]){built_g(b, m, g)});
    built_key(b, m, 0, 0);
}

/* P_STOP takes its P as context; P_START, which has none, writes its argument in the same place
 * if X is left out. */
static inline void b_proc(struct built *b, unsigned m, uint64_t at, enum tr_type type, unsigned p)
{
    built_event(b, m, at, type, p, 0, NULL);
    struct tr_chunk_header *c = built_chunk(b, m + 1);
    if (type == TR_EV_P_START)
        ((unsigned char *)c)[c->used - 9] &= (unsigned char)~TR_HEAD_X;
}

static inline void b_retake(struct built *b, unsigned m, uint64_t at, unsigned p, unsigned victim)
{
    built_event(b, m, at, TR_EV_P_RETAKE, p, 1, (uint64_t[]){victim});
    struct tr_chunk_header *c = built_chunk(b, m + 1);
    ((unsigned char *)c)[c->used - 10] &= (unsigned char)~TR_HEAD_X;
}

static inline void b_thread(struct built *b, unsigned m, uint64_t at, enum tr_type type)
{
    built_event(b, m, at, type, 0, 0, NULL);
    struct tr_chunk_header *c = built_chunk(b, m + 1);
    c->used -= 1; /* no context */
    ((unsigned char *)c)[c->used - 8] &= (unsigned char)~TR_HEAD_X;
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
