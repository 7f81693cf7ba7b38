/* test_out.c - formatted output against printf, and what escaping must do. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include "out.h"

static struct out o;

/* What has been put since begin(), as a string. */
static char *text;
static size_t text_n;

static void begin(void)
{
    free(text);
    out_init(&o, open_memstream(&text, &text_n));
    cr_assert_not_null(o.file);
}

static const char *end(void)
{
    cr_assert(out_flush(&o));
    fclose(o.file);
    return text;
}

Test(out, numbers_are_as_printf_writes_them)
{
    uint64_t v[] = {0, 1, 9, 10, 99, 100, 101, 999, 1000, 12345, 99999, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        char want[160];
        int64_t s = (int64_t)(0 - v[i]);
        snprintf(want, sizeof(want), "%" PRIu64 " %" PRId64 " %" PRIu64 ".%03" PRIu64 " 0x%" PRIx64,
                 v[i], s, v[i] / 1000, v[i] % 1000, v[i]);
        begin();
        out_uint(&o, v[i]);
        out_char(&o, ' ');
        out_int(&o, s);
        out_char(&o, ' ');
        out_thousandths(&o, v[i]);
        out_char(&o, ' ');
        out_hex(&o, v[i]);
        cr_assert_str_eq(end(), want);
    }
}

Test(out, json_escapes_what_it_must)
{
    begin();
    out_json(&o, "plain \"quoted\" back\\slash\ttab \x01 \x7f \xc3\xa9 \xff\xc3");
    cr_assert_str_eq(end(),
                     "\"plain \\\"quoted\\\" back\\\\slash\\u0009tab \\u0001 \\u007f \xc3\xa9 "
                     "\\ufffd\\ufffd\"");
    begin();
    out_json(&o, "");
    cr_assert_str_eq(end(), "\"\"");
}

Test(out, csv_quotes_what_it_must)
{
    begin();
    out_csv(&o, "plain");
    out_char(&o, ',');
    out_csv(&o, "a \"b\", c\nd");
    cr_assert_str_eq(end(), "plain,\"a \"\"b\"\", c\nd\"");
}

Test(out, more_than_the_buffer_holds)
{
    enum { N = 3 * OUT_SIZE + 17 };
    static char many[N + 1];
    memset(many, 'x', N);
    begin();
    out_literal(&o, "head ");
    out_text(&o, many);
    for (int i = 0; i < OUT_SIZE; i++)
        out_char(&o, 'y');
    const char *got = end();
    cr_assert_eq(strlen(got), 5u + N + OUT_SIZE);
    cr_assert_eq(memcmp(got + 5, many, N), 0);
    cr_assert_eq(got[5 + N], 'y');
}

Test(out, a_failed_write_is_remembered)
{
    FILE *full = fopen("/dev/full", "w");
    if (!full)
        return; /* no such device */
    setvbuf(full, NULL, _IONBF, 0);
    out_init(&o, full);
    for (int i = 0; i < OUT_SIZE + 1; i++)
        out_char(&o, 'x');
    cr_assert(o.failed);
    cr_assert_not(out_flush(&o));
    fclose(full);
}
