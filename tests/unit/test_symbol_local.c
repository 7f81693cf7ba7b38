/* test_symbol_local.c - variables in frames, and what pointers in scope point to. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>
#include "symbol.h"

#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

struct node {
    int id;
    struct {
        short lo, hi;
    } range;
    char name[16];
};

__attribute__((noinline)) static uintptr_t my_pc(void)
{
    return (uintptr_t)__builtin_return_address(0) - 1;
}

/* Its caller's: the stack pointer is where its own frame ends. */
__attribute__((noinline)) static bool find(struct symbol_place *at, const void *p,
                                           struct symbol_local *l)
{
    at->sp = (uintptr_t)__builtin_dwarf_cfa();
    return symbol_local(at, (uintptr_t)p, l);
}

__attribute__((noinline)) static void variables(struct symbol_local *l, int which, bool *ret_found)
{
    struct node here[2];
    int inside = 0;
    memset(here, 0, sizeof here);
    KEEP(here);
    struct symbol_place at = {.pc = my_pc(),
                              .cfa = (uintptr_t)__builtin_dwarf_cfa(),
                              .fp = (uintptr_t)__builtin_frame_address(0)};
    if (which == 0)
        *ret_found = find(&at, &here[1].range.hi, l);
    else if (which == 1)
        *ret_found = find(&at, &inside, l);
    else
        *ret_found = find(&at, (char *)at.cfa + 4096, l);
    KEEP(&inside);
}

Test(symbol_local, a_part_of_an_array_of_structures)
{
    struct symbol_local l;
    bool found;
    variables(&l, 0, &found);
    cr_assert(found);
    cr_expect_str_eq(l.name, "here");
    cr_expect_str_eq(l.function, "variables");
    cr_expect_str_eq(l.part, "[1].range.hi");
    cr_expect_eq(l.size, 2 * sizeof(struct node));
    cr_expect(l.file && strstr(l.file, "test_symbol_local.c"));
    cr_expect_gt(l.line, 30);
}

Test(symbol_local, a_scalar)
{
    struct symbol_local l;
    bool found;
    variables(&l, 1, &found);
    cr_assert(found);
    cr_expect_str_eq(l.name, "inside");
    cr_expect_str_eq(l.part, "");
}

Test(symbol_local, memory_of_no_variable)
{
    struct symbol_local l;
    bool found;
    variables(&l, 2, &found);
    cr_assert_not(found);
    cr_assert_not(symbol_local(&(struct symbol_place){1, 2, 3, 4}, 4, &l));
}

__attribute__((noinline)) static uintptr_t user_of(struct node *n, int *unlike)
{
    uintptr_t pc = my_pc();
    KEEP(n);
    KEEP(unlike);
    return pc;
}

__attribute__((noinline)) static uintptr_t user_of_two(struct node *n, struct symbol_frame *f)
{
    uintptr_t pc = my_pc();
    KEEP(f); /* not the code of user_of() again, which would become one function */
    KEEP(n);
    KEEP(f);
    return pc;
}

Test(symbol_local, what_a_block_is_used_as)
{
    struct symbol_pointee p;
    uintptr_t pc = user_of(NULL, NULL);
    cr_assert(symbol_pointee(pc, sizeof(struct node), offsetof(struct node, range.hi), 2, &p));
    cr_expect_str_eq(p.type, "struct node");
    cr_expect_str_eq(p.part, ".range.hi");
    cr_assert(symbol_pointee(pc, 3 * sizeof(struct node), sizeof(struct node), 4, &p));
    cr_expect_str_eq(p.part, "[1].id");
    cr_assert(symbol_pointee(pc, sizeof(struct node), offsetof(struct node, name) + 3, 1, &p));
    cr_expect_str_eq(p.part, ".name[3]");
    cr_expect_eq(p.whole, strlen(p.part));
}

Test(symbol_local, a_block_that_could_be_anything)
{
    struct symbol_pointee p;
    uintptr_t pc = user_of(NULL, NULL);
    cr_expect_not(symbol_pointee(pc, sizeof(struct node) + 1, 0, 4, &p), "no whole number");
    cr_expect_not(symbol_pointee(pc, sizeof(struct node), 4, 4, &p), "more than the field");
    cr_expect_not(symbol_pointee(pc, sizeof(struct node), sizeof(struct node), 1, &p), "outside");
    cr_expect_not(symbol_pointee(pc, 0, 0, 1, &p));
    pc = user_of_two(NULL, NULL);
    size_t both = sizeof(struct node) * sizeof(struct symbol_frame);
    cr_expect_not(symbol_pointee(pc, both, 0, 4, &p), "two types fit");
}
