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
    const unsigned char name[] = {TR_EV_GO_NAME | TR_HEAD_X, 1, 2, 1};
    built_raw(&b, 1, name, sizeof(name));
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
