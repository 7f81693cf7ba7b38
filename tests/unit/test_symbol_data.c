/* test_symbol_data.c - variables of static storage of this very program, and their parts. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "symbol.h"

static int table[10];
int visible_word = 3;
static struct {
    char pad[5];
    short s;
} zeroed_record; /* in .bss */

Test(symbol_data, globals_by_any_of_their_bytes)
{
    struct symbol_global g;
    cr_assert(symbol_global((uintptr_t)&table[9], &g));
    cr_expect_str_eq(g.name, "table");
    cr_expect_eq(g.size, sizeof table);
    cr_expect_eq(g.start, (uintptr_t)table);
    cr_expect(g.file && strstr(g.file, "test_symbol_data.c"));
    cr_expect_gt(g.line, 0);
    cr_assert(symbol_global((uintptr_t)&visible_word + 3, &g));
    cr_expect_str_eq(g.name, "visible_word");
    cr_assert(symbol_global((uintptr_t)&zeroed_record.s, &g));
    cr_expect_str_eq(g.name, "zeroed_record");
    cr_expect_eq(g.size, sizeof zeroed_record);
}

static struct {
    int id;
    struct {
        short low, high;
        char name[3][8];
    } row[5];
    union {
        int i;
        float f;
    } u;
    unsigned flag : 3;
} table_of_rows;

static void expect_part(const void *at, const char *part)
{
    struct symbol_global g;
    cr_assert(symbol_global((uintptr_t)at, &g));
    cr_expect_str_eq(g.part, part);
}

Test(symbol_data, fields_and_elements_of_globals)
{
    expect_part(&visible_word, "");
    expect_part(&table[3], "[3]");
    expect_part((char *)&table[3] + 2, "[3]");
    expect_part(&zeroed_record.s, ".s");
    expect_part(&zeroed_record.pad[4], ".pad[4]");
    expect_part(&table_of_rows, ".id");
    expect_part(&table_of_rows.row[4].high, ".row[4].high");
    expect_part(&table_of_rows.row[1].name[2][7], ".row[1].name[2][7]");
    expect_part(&table_of_rows.u, ".u");
}

/* Objects that belong to somebody are named without their insides. */
struct go_lock {
    int state_;
};
static struct {
    struct go_lock mu;
    struct {
        struct {
            long __owner;
        } _M_impl;
    } other;
    int plain;
} objects[2];

static void expect_whole(const void *at, const char *whole)
{
    struct symbol_global g;
    cr_assert(symbol_global((uintptr_t)at, &g));
    g.part[g.whole] = 0;
    cr_expect_str_eq(g.part, whole);
}

Test(symbol_data, whole_objects_of_libraries)
{
    expect_part(&objects[1].mu, "[1].mu.state_");
    expect_whole(&objects[1].mu, "[1].mu");
    expect_part(&objects[0].other, "[0].other._M_impl.__owner");
    expect_whole(&objects[0].other, "[0].other");
    expect_whole(&objects[1].plain, "[1].plain");
    expect_whole(&visible_word, "");
}

Test(symbol_data, static_variable_of_a_function)
{
    static long calls[3];
    struct symbol_global g;
    calls[0]++;
    cr_assert(symbol_global((uintptr_t)&calls[2], &g));
    cr_expect_str_eq(g.name, "calls");
    cr_expect_eq(g.size, sizeof calls);
    cr_expect_eq(g.line, __LINE__ - 6);
}

Test(symbol_data, global_of_a_library_without_debug_information)
{
    struct symbol_global g;
    char **at = dlsym(RTLD_NEXT, "program_invocation_name");
    cr_assert(symbol_global((uintptr_t)at, &g));
    cr_expect_eq(g.start, (uintptr_t)at);
    cr_expect(strstr(g.name, "prog"), "named %s", g.name); /* it has several names */
    cr_expect_eq(g.size, sizeof(char *));
}

Test(symbol_data, heap_and_stack_are_no_globals)
{
    struct symbol_global g = {.name = "untouched"};
    int on_stack;
    void *p = malloc(10);
    cr_expect_not(symbol_global((uintptr_t)p, &g));
    cr_expect_not(symbol_global((uintptr_t)&on_stack, &g));
    cr_expect_str_eq(g.name, "untouched");
    free(p);
}
