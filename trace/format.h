/* format.h - the bytes of a .gtrace file, for the recorder and the reader.  FORMAT.md tells it in
 * words; the two change together, with TR_VERSION.
 *
 * A file is a row of chunks of one size.  Each chunk belongs to one stream (one recording thread)
 * or to the dictionary (stream 0: definitions of events, stacks, strings and modules).  Chunk 0
 * begins with the file header and is the dictionary's first.
 *
 * A chunk is its header and then records, back to back.  The header's word `used` says how many
 * bytes of the chunk count: the writer stores a record and then moves `used` over it with one
 * aligned store, so that a program killed between any two instructions leaves a file that is whole.
 * A chunk can be read without the one before it: the header has the absolute time and what the
 * stream knew, and the caches of the encoding begin empty.
 *
 * A stream that fills more than one chunk writes the later ones in a staging chunk: `place` says
 * which chunk of the file its bytes are.  A full one is copied to its place, and stands for another
 * from then on.
 *
 * All numbers are little-endian; the recorder runs on such processors only. */
#ifndef TR_FORMAT_H
#define TR_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian");

#define TR_MAGIC           "GTRACE\r\n" /* the line end finds copies made in text mode */
#define TR_MAGIC_LEN       8
#define TR_VERSION         2u
#define TR_CHUNK_SIZE      65536u /* of this recorder; readers take it from the header */
#define TR_CHUNK_MIN       4096u
#define TR_CHUNK_MAX       (16u << 20)
#define TR_CHUNK_MAGIC     0x4b4e4843u /* "CHNK" */
#define TR_DICTIONARY      0u          /* stream number */

#define TR_FILE_FROM_START 1u /* no thread recorded before: every goroutine has its GO_CREATE */
#define TR_FILE_SNAPSHOT   2u /* the flight recorder's: begins with the states of all */

/* How a recording ended; the values of enum tr_end without the ones that nobody writes. */
#define TR_FILE_OPEN    0u
#define TR_FILE_STOPPED 1u
#define TR_FILE_LIMIT   2u
#define TR_FILE_FULL    3u

struct tr_file_header {
    char magic[TR_MAGIC_LEN];
    uint32_t version;
    uint32_t header_size; /* of this structure: the dictionary's chunk header follows it */
    uint32_t chunk_size;
    uint32_t flags;
    uint32_t pid;
    uint32_t tick_shift;  /* times are the processor's counter, shifted right by so much */
    uint64_t start_ticks; /* in shifted units, as all times */
    int64_t start_mono;   /* CLOCK_MONOTONIC at start_ticks, ns */
    int64_t start_wall;   /* CLOCK_REALTIME, ns */
    uint64_t tick_hz;     /* units per second, measured before the start */
    uint32_t reserved;
    uint32_t sum; /* of everything above */
    /* what follows changes while recording */
    uint64_t chunks; /* chunks handed out; a shorter file was cut */
    uint64_t end_ticks;
    uint32_t end_errno;
    uint32_t end;     /* TR_FILE_*; stored last */
    int64_t end_mono; /* CLOCK_MONOTONIC at end_ticks, ns: calibrates the counter */
    uint64_t reserved2[3];
};
static_assert(sizeof(struct tr_file_header) == 128, "see FORMAT.md");
static_assert(offsetof(struct tr_file_header, sum) == 68, "see FORMAT.md");

struct tr_chunk_header {
    uint32_t magic;  /* stored last: a chunk without it was never begun */
    uint32_t used;   /* bytes that count, from the start of this header; moved over each record */
    uint32_t stream; /* numbers are never used again in one file */
    uint32_t seq;    /* of the chunk in its stream, from 0: a gap is a loss */
    uint64_t ticks;  /* time of the first record's predecessor */
    int64_t mono;    /* CLOCK_MONOTONIC at ticks, ns: calibrates the counter */
    uint64_t cur_g;  /* what the stream knows: the goroutine started last, 0 none */
    int32_t cur_p;   /* the processor taken last, -1 none */
    uint32_t m, tid;
    uint32_t place;       /* its number in the file; a staging chunk's is that of another one */
    uint32_t header_sum;  /* of stream .. place */
    uint32_t payload_sum; /* of what follows, once the chunk is finished; 0: not finished */
};
static_assert(sizeof(struct tr_chunk_header) == 64, "see FORMAT.md");

/* ---- event records: head byte, arguments, time ----
 *
 *   head   bits 0-4 event number, bit 5 X: context follows, bits 6-7 length of the time
 *   then   the context if X, the arguments; numbers as LEB128, goroutines as zigzag LEB128 of the
 *          difference to the last one mentioned, keys through the cache below
 *   time   units since the last record: 1, 2, 3 or 7 bytes; why it is last: writer.c */

#define TR_HEAD_X     0x20u
#define TR_HEAD_TYPE  0x1fu
#define TR_RECORD_MAX 128u /* no record is longer; the writer keeps so much free at the end */
#define TR_TIME_MAX   (((uint64_t)1 << 56) - 1)

/* Keys: a value that was seen in this chunk is one byte, its slot; another is TR_KEY_NEW and eight
 * bytes, which replace the slot's.  Reason and object make one key. */
#define TR_KEYS          128u
#define TR_KEY_NEW       0x80u
#define TR_KEY_WHY_SHIFT 56
#define TR_KEY_OBJ_MASK  (((uint64_t)1 << TR_KEY_WHY_SHIFT) - 1)

static inline uint32_t tr_key_slot(uint64_t key)
{
    return (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 57);
}

/* ---- dictionary records: type byte, LEB128 length, payload ---- */

#define TR_DEF_EVENT   1u /* number, context (0 none, 1 G, 2 BY, 3 P), args text, name text */
#define TR_DEF_REASON  2u /* number, kind text, name text */
#define TR_DEF_STRING  3u /* id, text to the end */
#define TR_DEF_STACK   4u /* id, count, pcs as zigzag differences */
#define TR_DEF_MODULE  5u /* bias, start, end, build-id text, path text */
#define TR_DEF_PROCESS 6u /* command text to the end */
#define TR_DEF_TAKEN   7u /* why the snapshot was taken, text to the end */

#define TR_STACK_MAX   64u   /* frames */
#define TR_STRING_MAX  1024u /* bytes */

/* How one side of a race touched the memory: bits of the number that tells both, the earlier side
 * in the upper half. */
#define TR_SIDE_SIZE        0xfu /* bytes of the 8-byte word, 1..8; 0 unknown */
#define TR_SIDE_FIRST_SHIFT 4    /* number of the first of them in the word, three bits */
#define TR_SIDE_WRITE       (1u << 7)
#define TR_SIDE_ATOMIC      (1u << 8)
#define TR_SIDE_FREE        (1u << 9)
#define TR_SIDE_BITS        10

enum tr_ctx { TR_CTX_NO, TR_CTX_G, TR_CTX_BY, TR_CTX_P };

static inline uint64_t tr_zigzag(uint64_t d)
{
    return (d << 1) ^ (uint64_t)((int64_t)d >> 63);
}

static inline uint64_t tr_unzigzag(uint64_t z)
{
    return (z >> 1) ^ (0 - (z & 1));
}

static inline uint8_t *tr_put_leb(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* Checksum of n bytes: four independent lanes, so that it runs at memory speed.  Never 0. */
static inline uint32_t tr_sum(const void *data, size_t n)
{
    const uint64_t k = 0x9e3779b97f4a7c15u;
    const uint8_t *p = data;
    uint64_t lane[4] = {n, 1, 2, 3}, w[4];
    for (; n >= sizeof(w); n -= sizeof(w), p += sizeof(w)) {
        memcpy(w, p, sizeof(w));
        for (int i = 0; i < 4; i++)
            lane[i] = ((lane[i] ^ w[i]) * k) ^ (lane[i] >> 32);
    }
    memset(w, 0, sizeof(w));
    memcpy(w, p, n);
    uint64_t h = 0;
    for (int i = 0; i < 4; i++)
        h = (((h ^ lane[i]) * k) ^ (h >> 29)) + w[i] * k;
    h ^= h >> 32;
    return (uint32_t)h ? (uint32_t)h : 1;
}

/* The magic counts as if it were there: it is stored last. */
static inline uint32_t tr_header_sum(const struct tr_file_header *h)
{
    struct tr_file_header with = *h;
    memcpy(with.magic, TR_MAGIC, TR_MAGIC_LEN);
    return tr_sum(&with, offsetof(struct tr_file_header, sum));
}

static inline uint32_t tr_chunk_header_sum(const struct tr_chunk_header *h)
{
    const size_t from = offsetof(struct tr_chunk_header, stream);
    return tr_sum((const char *)h + from, offsetof(struct tr_chunk_header, header_sum) - from);
}

#endif
