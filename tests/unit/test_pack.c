/* test_pack.c - the page's numbers, strings and sections, byte by byte. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "idmap.h"
#include "view/pack.h"

/* Of main.c, which has a main() of its own. */
void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    cr_assert_not_null(p);
    return p;
}

char *cmd_strdup(const char *s)
{
    return strcpy(cmd_alloc(strlen(s) + 1), s);
}

/* Of page_file.c: what would go to the page is kept here. */
static struct bytes written;

void page_file_data(struct page_file *f, const void *p, size_t n)
{
    (void)f;
    bytes_add(&written, p, n);
}

static uint64_t read_uint(const unsigned char **p)
{
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char b = *(*p)++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
}

static int64_t read_int(const unsigned char **p)
{
    uint64_t z = read_uint(p);
    return (int64_t)(z >> 1 ^ -(z & 1));
}

Test(pack, numbers_come_back)
{
    static const uint64_t values[] = {0,        1,          127,        128,       16383,     16384,
                                      1u << 31, UINT32_MAX, 1ull << 53, INT64_MAX, UINT64_MAX};
    enum { N = sizeof(values) / sizeof(values[0]) };
    struct bytes b = {0};
    for (int i = 0; i < N; i++) {
        bytes_uint(&b, values[i]);
        bytes_int(&b, (int64_t)values[i]);
        bytes_int(&b, -(int64_t)(values[i] >> 1));
    }
    const unsigned char *p = b.p;
    for (int i = 0; i < N; i++) {
        cr_assert_eq(read_uint(&p), values[i]);
        cr_assert_eq(read_int(&p), (int64_t)values[i]);
        cr_assert_eq(read_int(&p), -(int64_t)(values[i] >> 1));
    }
    cr_assert_eq((size_t)(p - b.p), b.len);
    bytes_fini(&b);
}

Test(pack, json_escapes_what_could_end_the_string)
{
    struct bytes b = {0};
    bytes_json(&b, "a\"b\\c\n\x1f\x7f </script> \xc3\xbc");
    bytes_byte(&b, 0);
    cr_assert_str_eq((char *)b.p, "\"a\\u0022b\\u005cc\\u000a\\u001f\\u007f </script> \xc3\xbc\"");
    bytes_fini(&b);
}

Test(pack, strings_are_kept_once)
{
    struct strings s = {0};
    char text[32];
    cr_assert_eq(strings_add(&s, "x"), 1, "0 is the empty string");
    cr_assert_eq(strings_add(&s, NULL), 0);
    cr_assert_eq(strings_add(&s, ""), 0);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++) {
            snprintf(text, sizeof(text), "string %u", i);
            cr_assert_eq(strings_add(&s, text), i + 2);
        }
    struct bytes b = {0};
    strings_pack(&s, &b);
    const unsigned char *p = b.p;
    cr_assert_eq(read_uint(&p), 5002);
    cr_assert_eq(read_uint(&p), 0);
    cr_assert_eq(read_uint(&p), 1);
    cr_assert_eq(*p++, 'x');
    cr_assert_eq(read_uint(&p), strlen("string 0"));
    bytes_fini(&b);
    strings_fini(&s);
}

Test(pack, sections_say_their_length)
{
    struct bytes b = {0};
    bytes_add(&b, "hello", 5);
    written.len = 0;
    pack_section(NULL, 'T', &b);
    cr_assert_eq(written.len, 10);
    cr_assert_eq(memcmp(written.p, "T\5\0\0\0hello", 10), 0);
    bytes_fini(&b);
    bytes_fini(&written);
}

/* The next column of a block. */
static const unsigned char *column(const unsigned char **p, uint64_t *ret_len)
{
    *ret_len = read_uint(p);
    const unsigned char *c = *p;
    *p += *ret_len;
    return c;
}

Test(pack, spans_stand_in_columns)
{
    struct pack pack = {0};
    struct tr_span run = {.lane = TR_LANE_G,
                          .state = TR_G_RUNNING,
                          .begin = 10,
                          .end = 30,
                          .p = 2,
                          .m = 5,
                          .by_p = TR_NO_P};
    struct tr_span wait = {.lane = TR_LANE_G,
                           .state = TR_G_BLOCKED,
                           .begin = 30,
                           .end = 31,
                           .p = TR_NO_P,
                           .by_p = 1,
                           .why = TR_MUTEX,
                           .stack = 9,
                           .open = true};
    written.len = 0;
    pack_span(&pack, &(struct fold_item){.s = run, .lane = 7, .g = -1, .by = -1});
    pack_span(&pack, &(struct fold_item){.s = wait, .lane = 7, .g = -1, .by = 3, .obj = 4});
    pack_flush(&pack);
    pack_flush(&pack); /* nothing left to write */
    const unsigned char *p = written.p + 5;
    cr_assert_eq(written.p[0], 'S');
    cr_assert_eq(read_uint(&p), 2);
    static const struct {
        const char *bytes;
        uint64_t len;
    } wanted[PC_COLUMNS] = {
        [PC_HEAD] = {"\x48\x2c", 2}, /* running after a gap; blocked, open */
        [PC_LANE] = {"\7\7", 2},     [PC_END] = {"\74\2", 2}, [PC_GAP] = {"\24", 1},
        [PC_P] = {"\3", 1},          [PC_M] = {"\5", 1},      [PC_G] = {"", 0},
        [PC_WHY] = {"\6", 1},        [PC_OBJ] = {"\4", 1},    [PC_STACK] = {"\11", 1},
        [PC_BY] = {"\4", 1},         [PC_BY_P] = {"\2", 1},   [PC_FOLD] = {"", 0},
    };
    for (int i = 0; i < PC_COLUMNS; i++) {
        uint64_t len;
        const unsigned char *c = column(&p, &len);
        cr_assert_eq(len, wanted[i].len, "column %d has %llu bytes", i, (unsigned long long)len);
        cr_assert_eq(memcmp(c, wanted[i].bytes, len), 0, "column %d", i);
    }
    cr_assert_eq((size_t)(p - written.p), written.len);
    pack_fini(&pack);
    bytes_fini(&written);
}

Test(idmap, numbers_follow_first_sight)
{
    struct idmap m = {0};
    cr_assert_eq(idmap_find(&m, 5), UINT32_MAX);
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 100000; i++)
            cr_assert_eq(idmap_add(&m, i * i * 977), i);
    cr_assert_eq(m.count, 100000);
    cr_assert_eq(idmap_find(&m, 977), 1);
    cr_assert_eq(idmap_find(&m, 978), UINT32_MAX);
    idmap_fini(&m);
}
