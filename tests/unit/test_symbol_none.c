/* test_symbol_none.c - addresses without names. */
#define symbol_frames      none_frames
#define symbol_global      none_global
#define symbol_local       none_local
#define symbol_pointee     none_pointee
#define symbol_file_frames none_file_frames
#include "symbol_none.c"
#include <criterion/criterion.h>

Test(symbol_none, an_address_is_one_frame_without_a_name)
{
    struct symbol_frame f[2] = {{.line = 7, .inlined = true}, {.line = 8}};
    cr_expect_eq(symbol_frames(1234, f, 2), 1);
    cr_expect_str_eq(f[0].function, "?");
    cr_expect_null(f[0].file);
    cr_expect_eq(f[0].line, 0);
    cr_expect_not(f[0].inlined);
    cr_expect_eq(f[1].line, 8);
    cr_expect_eq(symbol_frames(1234, f, 0), 1);
    cr_expect_eq(symbol_file_frames("/x", NULL, 0, 0, f, 1), 1);
}

Test(symbol_none, no_variable_is_known)
{
    struct symbol_global g;
    struct symbol_local l;
    struct symbol_pointee p;
    cr_expect_not(symbol_global((uintptr_t)&g, &g));
    cr_expect_not(symbol_local(&(struct symbol_place){0}, (uintptr_t)&l, &l));
    cr_expect_not(symbol_pointee(&(uintptr_t){1}, 1, 8, 0, 4, &p));
}
