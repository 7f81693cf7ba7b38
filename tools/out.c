/* out.c - see out.h. */
#include "out.h"

bool out_flush(struct out *o)
{
    if (!o->failed && fwrite(o->buf, 1, o->n, o->file) != o->n)
        o->failed = true;
    o->n = 0;
    return !o->failed;
}

void out_many(struct out *o, const void *p, size_t n)
{
    for (const char *s = p; n > 0;) {
        size_t room = OUT_SIZE - o->n, now = n < room ? n : room;
        memcpy(o->buf + o->n, s, now);
        o->n += now;
        s += now;
        n -= now;
        if (n > 0)
            (void)out_flush(o);
    }
}

/* How many digits v has. */
static unsigned count_digits(uint64_t v)
{
    unsigned n = 1;
    for (; v >= 10000; v /= 10000)
        n += 4;
    return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

/* The digits of v up to end, two at a time. */
static void put_digits(char *end, uint64_t v)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    for (; v >= 100; v /= 100) {
        end -= 2;
        memcpy(end, pairs + v % 100 * 2, 2);
    }
    if (v >= 10)
        memcpy(end - 2, pairs + v * 2, 2);
    else
        end[-1] = (char)('0' + v);
}

/* Where a number goes: in the buffer itself. */
static char *number_room(struct out *o)
{
    if (OUT_SIZE - o->n < OUT_NUMBER_MAX)
        (void)out_flush(o);
    return o->buf + o->n;
}

void out_uint(struct out *o, uint64_t v)
{
    unsigned n = count_digits(v);
    put_digits(number_room(o) + n, v);
    o->n += n;
}

void out_int(struct out *o, int64_t v)
{
    if (v < 0)
        out_char(o, '-');
    out_uint(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void out_thousandths(struct out *o, uint64_t v)
{
    uint64_t whole = v / 1000;
    unsigned n = count_digits(whole), three = (unsigned)(v - whole * 1000);
    char *p = number_room(o) + n;
    put_digits(p, whole);
    p[0] = '.';
    p[1] = (char)('0' + three / 100);
    p[2] = (char)('0' + three / 10 % 10);
    p[3] = (char)('0' + three % 10);
    o->n += n + 4;
}

void out_hex(struct out *o, uint64_t v)
{
    char buf[OUT_NUMBER_MAX], *end = buf + sizeof(buf), *p = end;
    do
        *--p = "0123456789abcdef"[v & 15];
    while (v >>= 4);
    out_literal(o, "0x");
    out_bytes(o, p, (size_t)(end - p));
}

/* Number of bytes of the UTF-8 character at s, 0 when it is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = *s < 0x80                 ? 1
               : *s >= 0xc2 && *s < 0xe0 ? 2
               : *s >= 0xe0 && *s < 0xf0 ? 3
               : *s >= 0xf0 && *s < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* Printable ASCII but the quote and the backslash. */
static const bool is_plain[256] = {
    [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true};

void out_json(struct out *o, const char *text)
{
    out_char(o, '"');
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const unsigned char *from = s;
        while (is_plain[*s])
            s++;
        out_bytes(o, from, (size_t)(s - from));
        if (!*s)
            break;
        size_t n = utf8_length(s);
        if (n == 0) {
            out_literal(o, "\\ufffd");
        } else if (*s < 0x20 || *s == 0x7f) {
            out_literal(o, "\\u00");
            out_char(o, (char)('0' + (*s >> 4)));
            out_char(o, "0123456789abcdef"[*s & 15]);
        } else if (*s == '"' || *s == '\\') {
            out_char(o, '\\');
            out_char(o, (char)*s);
        } else {
            out_bytes(o, s, n);
        }
        s += n ? n : 1;
    }
    out_char(o, '"');
}

void out_csv(struct out *o, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        out_text(o, s);
        return;
    }
    out_char(o, '"');
    for (; *s; s++) {
        if (*s == '"')
            out_char(o, '"');
        out_char(o, *s);
    }
    out_char(o, '"');
}
