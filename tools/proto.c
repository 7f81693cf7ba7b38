/* proto.c - see proto.h.
 *
 * The length of a message stands before it, in as many bytes as it needs, so a message is moved up
 * when it turns out to need more than one. */
#include "proto.h"
#include <stdlib.h>
#include "cmd.h"

void proto_grow(struct proto *b, size_t n)
{
    size_t cap = (b->n + n) * 2 > 4096 ? (b->n + n) * 2 : 4096;
    uint8_t *more = cmd_alloc(cap);
    if (b->n)
        memcpy(more, b->p, b->n);
    free(b->p);
    b->p = more;
    b->cap = cap;
}

void proto_bytes(struct proto *b, unsigned field, const void *p, size_t n)
{
    uint8_t *to = proto_room(b, (size_t)2 * PROTO_VARINT_MAX + n);
    to = proto_put_varint(proto_put_key(to, field, PROTO_BYTES), n);
    memcpy(to, p, n);
    b->n = (size_t)(to + n - b->p);
}

void proto_close_long(struct proto *b, size_t mark)
{
    uint8_t length[PROTO_VARINT_MAX];
    size_t size = b->n - mark, n = (size_t)(proto_put_varint(length, size) - length);
    (void)proto_room(b, n - 1);
    memmove(b->p + mark + n - 1, b->p + mark, size);
    memcpy(b->p + mark - 1, length, n);
    b->n += n - 1;
}

void proto_fini(struct proto *b)
{
    free(b->p);
    memset(b, 0, sizeof(*b));
}
