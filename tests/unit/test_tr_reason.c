/* Names of reasons: every one has its own, and kinds go with objects. */
#include <criterion/criterion.h>
#include <string.h>
#include "reader.h"

Test(reason, every_reason_has_its_own_name)
{
    for (unsigned i = 1; i < TR_REASONS; i++) {
        cr_assert(*tr_reason_name(i), "reason %u", i);
        for (unsigned j = 0; j < i; j++)
            cr_assert(strcmp(tr_reason_name(i), tr_reason_name(j)) != 0, "%u and %u", i, j);
    }
    cr_assert_str_eq(tr_reason_name(TR_CHAN_RECV), "chan receive");
}

Test(reason, a_number_out_of_range_is_harmless)
{
    cr_assert_str_eq(tr_reason_name(TR_REASONS), "?");
    cr_assert_str_eq(tr_reason_kind((enum tr_reason)1000), "");
}

Test(reason, kinds_and_classes)
{
    cr_assert_str_eq(tr_reason_kind(TR_SELECT), "chan");
    cr_assert_str_eq(tr_reason_kind(TR_SLEEP), "");
    cr_assert_eq(tr_reason_class(TR_RWMUTEX_READ), TR_CL_MUTEX);
    cr_assert_eq(tr_reason_class(TR_CHAN_SEND), TR_CL_CHAN);
    cr_assert_eq(tr_reason_class(TR_NET), TR_CL_NET);
    cr_assert_str_eq(tr_class_name(TR_CL_SELECT), "select");
}
