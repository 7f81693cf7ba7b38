/* test_access.c - one side of a race in words. */
#include <criterion/criterion.h>
#include "access.h"

static const char *said(struct tr_access a)
{
    static char buf[ACCESS_TEXT_MAX];
    return access_text(buf, &a);
}

Test(access, what_was_done_to_how_many_bytes)
{
    cr_assert_str_eq(said((struct tr_access){.size = 4}), "read of 4 bytes");
    cr_assert_str_eq(said((struct tr_access){.size = 1, .write = 1}), "write of 1 byte");
    cr_assert_str_eq(said((struct tr_access){.size = 8, .write = 1, .atomic = 1}),
                     "atomic write of 8 bytes");
    cr_assert_str_eq(said((struct tr_access){.size = 8, .write = 1, .free = 1}), "free of 8 bytes");
}

Test(access, nothing_where_nothing_is_known)
{
    cr_assert_str_eq(said((struct tr_access){.write = 1}), "");
}
