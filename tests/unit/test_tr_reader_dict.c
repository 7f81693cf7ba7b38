/* The dictionary: definitions, unknown ones, damaged ones. */
#include "tr_file.h"

static struct built b;

static void define(unsigned type, const void *payload, size_t n)
{
    unsigned char buf[200], *p = buf;
    *p++ = (unsigned char)type;
    p = tr_put_leb(p, n);
    memcpy(p, payload, n);
    built_raw(&b, 0, buf, (size_t)(p + n - buf));
}

Test(reader_dict, stacks_and_strings_and_the_program)
{
    built_init(&b, 1);
    unsigned char stack[40] = {3, 2}, *p = tr_put_leb(stack + 2, tr_zigzag(0x1000));
    p = tr_put_leb(p, tr_zigzag((uint64_t)-0x10));
    define(TR_DEF_STACK, stack, (size_t)(p - stack));
    define(TR_DEF_STRING, "\1hello", 6);
    define(TR_DEF_PROCESS, "./prog -x", 9);
    define(77, "later versions", 14);
    built_record(&b, 0, 1, TR_EV_GO_NAME | TR_HEAD_X, "\2\1", 2);
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    size_t n;
    const uint64_t *pcs = tr_reader_stack(r, 3, &n);
    cr_assert_eq(n, 2u);
    cr_assert_eq(pcs[0], 0x1000u);
    cr_assert_eq(pcs[1], 0xff0u);
    cr_assert_null(tr_reader_stack(r, 2, &n));
    cr_assert_null(tr_reader_stack(r, 12345678, &n));
    cr_assert_str_eq(tr_reader_info(r)->command, "./prog -x");
    cr_assert(tr_reader_next(r, &e));
    cr_assert_str_eq(e.text, "hello");
    cr_assert_null(tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(reader_dict, a_definition_that_is_damaged_is_told_and_the_rest_is_kept)
{
    built_init(&b, 1);
    define(TR_DEF_STRING, "\1hello", 6);
    built_raw(&b, 0, "\3\xff\xff\x03", 4); /* longer than the chunk */
    b_create(&b, 0, 10, 1);
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    cr_assert_not_null(tr_reader_info(r)->problem);
    cr_assert_not_null(strstr(tr_reader_info(r)->problem, "a definition"));
    cr_assert(tr_reader_next(r, &e));
    tr_reader_close(r);
}

Test(reader_dict, absurd_numbers_ask_for_no_memory)
{
    built_init(&b, 1);
    unsigned char buf[20], *p = tr_put_leb(buf, UINT32_MAX);
    define(TR_DEF_STRING, buf, (size_t)(p - buf));
    define(TR_DEF_STACK, buf, (size_t)(p - buf));
    p = tr_put_leb(tr_put_leb(buf, 1), UINT64_MAX);
    define(TR_DEF_STACK, buf, (size_t)(p - buf));
    define(TR_DEF_MODULE, buf, 2);
    define(TR_DEF_EVENT, buf, 1);
    define(TR_DEF_STRING, buf, 0);
    struct tr_reader *r = built_open(&b);
    size_t n;
    cr_assert_null(tr_reader_stack(r, 1, &n));
    tr_reader_close(r);
}

/* The first recorders said of a race who, and at which address. */
Test(reader_dict, a_race_of_an_older_recording)
{
    built_init(&b, 1);
    define(TR_DEF_EVENT, "\x0f\1\2ga\4race", 10);
    const unsigned char race[] = {4, 2, TR_KEY_NEW, 0x50, 0x51, 0, 0, 0, 0, 0, 0};
    built_record(&b, 0, 9, TR_EV_RACE | TR_HEAD_X, race, sizeof(race));
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    cr_assert(tr_reader_next(r, &e));
    cr_assert(e.type == TR_EV_RACE && e.g == 2 && e.by == 3 && e.obj == 0x5150);
    cr_assert(e.stack == 0 && e.by_stack == 0 && e.access[0].size == 0 && e.access[1].size == 0);
    cr_assert(e.by_from == -1 && e.by_to == e.time);
    cr_assert_null(tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(reader_dict, a_race_tells_both_sides_and_when_the_earlier_was)
{
    built_init(&b, 1);
    const unsigned wrote = 4 | TR_SIDE_WRITE, read = 8 | 1 << TR_SIDE_FIRST_SHIFT | TR_SIDE_ATOMIC;
    unsigned char race[40] = {4, 2, TR_KEY_NEW, 0x50, 0x51};
    unsigned char *p = tr_put_leb(race + 11, wrote | read << TR_SIDE_BITS);
    p = tr_put_leb(tr_put_leb(p, 7), 8);
    p = tr_put_leb(tr_put_leb(p, 1 + 150), 1 + 20);
    built_record(&b, 0, 200, TR_EV_RACE | TR_HEAD_X, race, (size_t)(p - race));
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    cr_assert(tr_reader_next(r, &e));
    cr_assert(e.type == TR_EV_RACE && e.g == 2 && e.by == 3 && e.obj == 0x5150);
    cr_assert(e.stack == 7 && e.by_stack == 8);
    cr_assert(e.access[0].size == 4 && e.access[0].write && !e.access[0].atomic);
    cr_assert(e.access[1].size == 8 && !e.access[1].write && e.access[1].atomic);
    cr_assert(e.access[0].first == 0 && e.access[1].first == 1);
    cr_assert_eq(e.by_from, e.time - 150);
    cr_assert_eq(e.by_to, e.time - 20);
    tr_reader_close(r);
}

/* The flow was seen last before the recording began: that is no time of it. */
Test(reader_dict, the_earlier_side_of_a_race_may_be_older_than_the_recording)
{
    built_init(&b, 1);
    unsigned char race[40] = {4, 2, TR_KEY_NEW, 0x50, 0x51};
    unsigned char *p = race + 11;
    *p++ = 0;
    p = tr_put_leb(tr_put_leb(p, 0), 0);
    p = tr_put_leb(tr_put_leb(p, 1 + 5000000), 1 + 20);
    built_record(&b, 0, 200, TR_EV_RACE | TR_HEAD_X, race, (size_t)(p - race));
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    cr_assert(tr_reader_next(r, &e));
    cr_assert(e.by_from == -1 && e.by_to == e.time - 20);
    tr_reader_close(r);
}
