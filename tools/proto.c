/* proto.c - see proto.h.
 *
 * The length of a message stands before it, in as many bytes as it needs, so a message is moved up
 * when it turns out to need more than one. */
#include "proto.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, VARINT_MAX = 10 };

static uint8_t *room(struct proto *b, size_t n)
{
    if (b->n + n > b->cap) {
        size_t cap = (b->n + n) * 2 > 4096 ? (b->n + n) * 2 : 4096;
        uint8_t *more = cmd_alloc(cap);
        if (b->n)
            memcpy(more, b->p, b->n);
        free(b->p);
        b->p = more;
        b->cap = cap;
    }
    return b->p + b->n;
}

static size_t varint(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

void proto_varint(struct proto *b, uint64_t v)
{
    b->n += varint(room(b, VARINT_MAX), v);
}

static void key(struct proto *b, unsigned field, unsigned type)
{
    proto_varint(b, field << 3 | type);
}

void proto_uint(struct proto *b, unsigned field, uint64_t v)
{
    key(b, field, VARINT);
    proto_varint(b, v);
}

void proto_int(struct proto *b, unsigned field, int64_t v)
{
    proto_uint(b, field, (uint64_t)v);
}

void proto_fixed64(struct proto *b, unsigned field, uint64_t v)
{
    key(b, field, FIXED64);
    proto_raw(b, &v, sizeof(v));
}

void proto_raw(struct proto *b, const void *p, size_t n)
{
    memcpy(room(b, n), p, n);
    b->n += n;
}

void proto_bytes(struct proto *b, unsigned field, const void *p, size_t n)
{
    key(b, field, BYTES);
    proto_varint(b, n);
    proto_raw(b, p, n);
}

void proto_text(struct proto *b, unsigned field, const char *s)
{
    proto_bytes(b, field, s, strlen(s));
}

size_t proto_open(struct proto *b, unsigned field)
{
    key(b, field, BYTES);
    (void)room(b, 1);
    return ++b->n;
}

void proto_close(struct proto *b, size_t mark)
{
    uint8_t length[VARINT_MAX];
    size_t size = b->n - mark, n = varint(length, size);
    if (n > 1) {
        (void)room(b, n - 1);
        memmove(b->p + mark + n - 1, b->p + mark, size);
        b->n += n - 1;
    }
    memcpy(b->p + mark - 1, length, n);
}

void proto_fini(struct proto *b)
{
    free(b->p);
    memset(b, 0, sizeof(*b));
}
