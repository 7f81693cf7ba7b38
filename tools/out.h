/* out.h - text and bytes on their way to a file, without printf: there are millions of lines. */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OUT_SIZE = 1 << 16, OUT_NUMBER_MAX = 24 };

/* After a failed write nothing more is written. */
struct out {
    FILE *file;
    bool failed;
    size_t n; /* bytes in buf */
    char buf[OUT_SIZE];
};

static inline void out_init(struct out *o, FILE *file)
{
    o->file = file;
    o->failed = false;
    o->n = 0;
}

/* Writes what is in the buffer.  Returns false when that, or a write before, failed. */
bool out_flush(struct out *o);

/* Bytes as they are, of any number. */
void out_many(struct out *o, const void *p, size_t n);
static inline void out_bytes(struct out *o, const void *p, size_t n)
{
    if (n > OUT_SIZE - o->n) {
        out_many(o, p, n);
        return;
    }
    memcpy(o->buf + o->n, p, n);
    o->n += n;
}

static inline void out_text(struct out *o, const char *s)
{
    out_bytes(o, s, strlen(s));
}

/* A text that the compiler knows the length of. */
#define out_literal(o, s) out_bytes((o), "" s, sizeof(s) - 1)

static inline void out_char(struct out *o, char c)
{
    if (o->n == OUT_SIZE)
        (void)out_flush(o);
    o->buf[o->n++] = c;
}

/* Numbers in decimal; v / 1000 with three decimals. */
void out_uint(struct out *o, uint64_t v);
void out_int(struct out *o, int64_t v);
void out_thousandths(struct out *o, uint64_t v);
void out_hex(struct out *o, uint64_t v); /* 0x7f00 */

/* "name" as JSON has it: of a text that needs no escapes, such as one of our own words. */
static inline void out_quoted(struct out *o, const char *plain)
{
    out_char(o, '"');
    out_text(o, plain);
    out_char(o, '"');
}

/* A JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void out_json(struct out *o, const char *s);

/* A field of CSV (RFC 4180), in quotes where it must be. */
void out_csv(struct out *o, const char *s);

#endif
