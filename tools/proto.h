/* proto.h - writes Protocol Buffers: messages into a buffer that grows.
 *
 * Fields are written one after the other; a message within a message is opened, filled and closed.
 * Zero bytes are an empty buffer.  What small fields need is inline: an event of a trace is made of
 * some thirty of them, and the compiler knows most of their keys. */
#ifndef PROTO_H
#define PROTO_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct proto {
    uint8_t *p;
    size_t n, cap;
};

enum { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_VARINT_MAX = 10 };

/* Makes room for n more bytes. */
void proto_grow(struct proto *b, size_t n);

static inline uint8_t *proto_room(struct proto *b, size_t n)
{
    if (__builtin_expect(n > b->cap - b->n, 0))
        proto_grow(b, n);
    return b->p + b->n;
}

/* A number at p; returns where it ends. */
static inline uint8_t *proto_put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

/* Begins a field: its key, at p. */
static inline uint8_t *proto_put_key(uint8_t *p, unsigned field, unsigned type)
{
    return proto_put_varint(p, field << 3 | type);
}

static inline void proto_uint(struct proto *b, unsigned field, uint64_t v)
{
    uint8_t *p = proto_room(b, (size_t)2 * PROTO_VARINT_MAX);
    p = proto_put_varint(proto_put_key(p, field, PROTO_VARINT), v);
    b->n = (size_t)(p - b->p);
}

/* As int32, int64 and enum are written. */
static inline void proto_int(struct proto *b, unsigned field, int64_t v)
{
    proto_uint(b, field, (uint64_t)v);
}

static inline void proto_fixed64(struct proto *b, unsigned field, uint64_t v)
{
    uint8_t *p = proto_room(b, PROTO_VARINT_MAX + sizeof(v));
    p = proto_put_key(p, field, PROTO_FIXED64);
    memcpy(p, &v, sizeof(v));
    b->n = (size_t)(p + sizeof(v) - b->p);
}

/* Bytes as they are. */
static inline void proto_raw(struct proto *b, const void *p, size_t n)
{
    memcpy(proto_room(b, n), p, n);
    b->n += n;
}

void proto_bytes(struct proto *b, unsigned field, const void *p, size_t n);
static inline void proto_text(struct proto *b, unsigned field, const char *s)
{
    proto_bytes(b, field, s, strlen(s));
}

/* A number without its field: an element of a packed one. */
static inline void proto_varint(struct proto *b, uint64_t v)
{
    b->n = (size_t)(proto_put_varint(proto_room(b, PROTO_VARINT_MAX), v) - b->p);
}

/* Begins a message; returns what proto_close() wants to end it.  They nest. */
static inline size_t proto_open(struct proto *b, unsigned field)
{
    uint8_t *p = proto_put_key(proto_room(b, PROTO_VARINT_MAX + 1), field, PROTO_BYTES);
    return b->n = (size_t)(p + 1 - b->p);
}

/* The same for a message that is longer than a byte can say. */
void proto_close_long(struct proto *b, size_t mark);

static inline void proto_close(struct proto *b, size_t mark)
{
    size_t size = b->n - mark;
    if (__builtin_expect(size < 0x80, 1))
        b->p[mark - 1] = (uint8_t)size;
    else
        proto_close_long(b, mark);
}

void proto_fini(struct proto *b);

#endif
