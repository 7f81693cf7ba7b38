/* proto.h - writes Protocol Buffers: messages into a buffer that grows.
 *
 * Fields are written one after the other; a message within a message is opened, filled and closed.
 * Zero bytes are an empty buffer. */
#ifndef PROTO_H
#define PROTO_H

#include <stddef.h>
#include <stdint.h>

struct proto {
    uint8_t *p;
    size_t n, cap;
};

void proto_uint(struct proto *b, unsigned field, uint64_t v);

/* As int32, int64 and enum are written. */
void proto_int(struct proto *b, unsigned field, int64_t v);
void proto_fixed64(struct proto *b, unsigned field, uint64_t v);
void proto_bytes(struct proto *b, unsigned field, const void *p, size_t n);
void proto_text(struct proto *b, unsigned field, const char *s);

/* A number without its field: an element of a packed one. */
void proto_varint(struct proto *b, uint64_t v);

/* Bytes as they are. */
void proto_raw(struct proto *b, const void *p, size_t n);

/* Begins a message; returns what proto_close() wants to end it.  They nest. */
size_t proto_open(struct proto *b, unsigned field);
void proto_close(struct proto *b, size_t mark);

void proto_fini(struct proto *b);

#endif
