/* test_proto.c - Protocol Buffers: bytes known from the encoding's description, and nesting. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "cmd.h"
#include "proto.h"

/* Of main.c, which has a main() of its own. */
void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    cr_assert_not_null(p);
    return p;
}

static void expect(struct proto *b, const char *bytes, size_t n)
{
    cr_assert_eq(b->n, n, "%zu bytes, not %zu", b->n, n);
    cr_assert_eq(memcmp(b->p, bytes, n), 0);
    proto_fini(b);
}

Test(proto, scalars)
{
    struct proto b = {0};
    proto_uint(&b, 1, 150);
    proto_int(&b, 2, -1);
    proto_text(&b, 3, "hi");
    proto_fixed64(&b, 47, 0x0807060504030201u);
    expect(&b,
           "\x08\x96\x01"
           "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
           "\x1a\x02hi"
           "\xf9\x02\x01\x02\x03\x04\x05\x06\x07\x08",
           3 + 11 + 4 + 10);
}

/* Reads a varint at *at. */
static uint64_t varint(const uint8_t *p, size_t *at)
{
    uint64_t v = 0;
    unsigned shift = 0;
    do
        v |= (uint64_t)(p[*at] & 0x7f) << shift;
    while (shift += 7, p[(*at)++] & 0x80);
    return v;
}

Test(proto, messages_of_every_length_nest)
{
    size_t sizes[] = {0, 1, 126, 127, 128, 129, 16383, 16384, 70000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct proto b = {0};
        char *text = cmd_alloc(sizes[i] + 1);
        memset(text, 'x', sizes[i]);
        text[sizes[i]] = 0;
        size_t outer = proto_open(&b, 1), inner = proto_open(&b, 2);
        proto_raw(&b, text, sizes[i]);
        proto_close(&b, inner);
        proto_uint(&b, 3, 7);
        proto_close(&b, outer);

        size_t at = 0;
        cr_assert_eq(varint(b.p, &at), 1u << 3 | 2);
        uint64_t outer_n = varint(b.p, &at);
        cr_assert_eq(at + outer_n, b.n);
        cr_assert_eq(varint(b.p, &at), 2u << 3 | 2);
        cr_assert_eq(varint(b.p, &at), sizes[i]);
        cr_assert_eq(memcmp(b.p + at, text, sizes[i]), 0);
        at += sizes[i];
        cr_assert_eq(varint(b.p, &at), 3u << 3);
        cr_assert_eq(varint(b.p, &at), 7u);
        cr_assert_eq(at, b.n);
        free(text);
        proto_fini(&b);
    }
}
