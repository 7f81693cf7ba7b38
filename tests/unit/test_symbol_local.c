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

typedef struct {
    int count, limit;
} stats_t;

struct point {
    int x, y;
};

typedef struct go_thing {
    int state_;
} go_thing;

__attribute__((noinline)) static uintptr_t user_of(struct node *n, long *unlike)
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

__attribute__((noinline)) static uintptr_t user_of_stats(const stats_t *s)
{
    uintptr_t pc = my_pc();
    KEEP(s);
    return pc;
}

__attribute__((noinline)) static uintptr_t user_of_both(stats_t *s, const struct point *p)
{
    uintptr_t pc = my_pc();
    KEEP("both");
    KEEP(p);
    KEEP(s);
    return pc;
}

__attribute__((noinline)) static uintptr_t user_of_numbers(const int *n, struct point *p)
{
    uintptr_t pc = my_pc();
    KEEP("numbers"); /* as above: code of its own */
    KEEP(p);
    KEEP(n);
    return pc;
}

__attribute__((noinline)) static uintptr_t user_of_thing(go_thing *thing)
{
    uintptr_t pc = my_pc();
    KEEP("thing");
    KEEP(thing);
    return pc;
}

static inline __attribute__((always_inline)) uintptr_t inlined_user(stats_t *s)
{
    uintptr_t pc = my_pc();
    KEEP(s);
    return pc;
}

__attribute__((noinline)) static uintptr_t user_around(stats_t *s, struct point *p)
{
    KEEP("around");
    uintptr_t pc = inlined_user(s);
    KEEP(p);
    return pc;
}

static bool one_place(uintptr_t pc, size_t block_size, size_t offset, size_t bytes,
                      struct symbol_pointee *p)
{
    return symbol_pointee(&pc, 1, block_size, offset, bytes, p);
}

Test(symbol_local, what_a_block_is_used_as)
{
    struct symbol_pointee p;
    uintptr_t pc = user_of(NULL, NULL);
    cr_assert(one_place(pc, sizeof(struct node), offsetof(struct node, range.hi), 2, &p));
    cr_expect_str_eq(p.type, "struct node");
    cr_expect_str_eq(p.part, ".range.hi");
    cr_assert(one_place(pc, 3 * sizeof(struct node), sizeof(struct node), 4, &p));
    cr_expect_str_eq(p.part, "[1].id");
    cr_assert(one_place(pc, sizeof(struct node), offsetof(struct node, name) + 3, 1, &p));
    cr_expect_str_eq(p.part, ".name[3]");
    cr_expect_eq(p.whole, strlen(p.part));
}

Test(symbol_local, a_block_that_could_be_anything)
{
    struct symbol_pointee p;
    uintptr_t pc = user_of(NULL, NULL);
    cr_expect_not(one_place(pc, sizeof(struct node) + 1, 0, 4, &p), "no whole number");
    cr_expect_not(one_place(pc, sizeof(struct node), 4, 4, &p), "more than the field");
    cr_expect_not(one_place(pc, sizeof(struct node), sizeof(struct node), 1, &p), "outside");
    cr_expect_not(one_place(pc, 0, 0, 1, &p));
    pc = user_of_two(NULL, NULL);
    size_t both = sizeof(struct node) * sizeof(struct symbol_frame);
    cr_expect_not(one_place(pc, both, 0, 4, &p), "two types fit");
}

Test(symbol_local, a_block_of_what_only_a_typedef_names)
{
    struct symbol_pointee p;
    uintptr_t two = user_of_both(NULL, NULL), pcs[] = {two, user_of_stats(NULL), two};
    cr_assert(one_place(pcs[1], sizeof(stats_t), 4, 4, &p));
    cr_expect_str_eq(p.type, "stats_t");
    cr_expect_str_eq(p.part, ".limit");
    cr_expect_not(one_place(two, sizeof(stats_t), 4, 4, &p), "two types fit");
    cr_assert(symbol_pointee(pcs, 3, sizeof(stats_t), 4, 4, &p), "one fits everywhere");
    cr_expect_str_eq(p.type, "stats_t");
    pcs[0] = user_of_numbers(NULL, NULL);
    cr_expect_not(symbol_pointee(pcs, 2, sizeof(stats_t), 4, 4, &p), "none fits everywhere");
}

Test(symbol_local, a_block_that_may_be_no_structure)
{
    struct symbol_pointee p;
    uintptr_t pc = user_of_numbers(NULL, NULL);
    cr_expect_not(one_place(pc, sizeof(struct point), 4, 4, &p), "two numbers");
    cr_assert(one_place(pc, sizeof(struct point), 4, 0, &p), "an object that orders, in it");
    cr_expect_str_eq(p.type, "struct point");
    pc = user_of_thing(NULL);
    cr_expect_not(one_place(pc, sizeof(go_thing), 0, 4, &p), "of the library");
    cr_expect_not(one_place(pc, sizeof(go_thing), 0, 0, &p));
}

Test(symbol_local, a_block_that_an_inlined_function_uses)
{
    struct symbol_pointee p;
    uintptr_t pc = user_around(NULL, NULL);
    cr_assert(one_place(pc, sizeof(stats_t), 0, 4, &p));
    cr_expect_str_eq(p.type, "stats_t");
    cr_expect_not(one_place(pc, 2 * sizeof(stats_t), 0, 4, &p), "a part of another, perhaps");
}
