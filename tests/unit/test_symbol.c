/* test_symbol.c - names, places, inlined frames and globals of this very program. */
#include "symbol.h"
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_LINE (__LINE__ + 1)

static int table[10];
int visible_word = 3;
static struct {
    char pad[5];
    short s;
} zeroed_record; /* in .bss */

static uintptr_t outer_pc;
static int line_inner, line_middle, line_outer;

__attribute__((noinline)) static uintptr_t my_pc(void)
{
    return (uintptr_t)__builtin_return_address(0) - 1;
}

static inline __attribute__((always_inline)) uintptr_t inner(void)
{
    line_inner = NEXT_LINE;
    uintptr_t pc = my_pc();
    return pc;
}

static inline __attribute__((always_inline)) uintptr_t middle(void)
{
    line_middle = NEXT_LINE;
    uintptr_t pc = inner();
    table[1]++;
    return pc;
}

__attribute__((noinline)) static void outer(void)
{
    line_outer = NEXT_LINE;
    outer_pc = middle();
    table[0]++;
}

static void check_frame(const struct symbol_frame *f, const char *function, int line, bool inlined)
{
    cr_expect_str_eq(f->function, function);
    cr_expect(f->file && strstr(f->file, "test_symbol.c"), "file of %s is %s", function, f->file);
    cr_expect_eq(f->line, line, "line of %s: %d, not %d", function, f->line, line);
    cr_expect_gt(f->column, 0);
    cr_expect_eq(f->inlined, inlined);
}

Test(symbol, inlined_frames_innermost_first)
{
    struct symbol_frame f[8];
    outer();
    cr_assert_eq(symbol_frames(outer_pc, f, 8), 3);
    check_frame(&f[0], "inner", line_inner, true);
    check_frame(&f[1], "middle", line_middle, true);
    check_frame(&f[2], "outer", line_outer, false);
}

Test(symbol, max_cuts_the_outermost)
{
    struct symbol_frame f[2] = {{.function = "untouched"}, {.function = "untouched"}};
    outer();
    cr_assert_eq(symbol_frames(outer_pc, f, 1), 1);
    cr_expect_str_eq(f[0].function, "inner");
    cr_expect_str_eq(f[1].function, "untouched");
}

Test(symbol, function_of_a_library)
{
    struct symbol_frame f[4];
    void *at = dlsym(RTLD_DEFAULT, "toupper");
    cr_assert_eq(symbol_frames((uintptr_t)at, f, 4), 1);
    cr_expect_str_eq(f[0].function, "toupper");
    cr_expect_not(f[0].inlined);
}

Test(symbol, no_code_no_name)
{
    struct symbol_frame f[4];
    int on_stack;
    cr_assert_eq(symbol_frames((uintptr_t)&on_stack, f, 4), 1);
    cr_expect_str_eq(f[0].function, "?");
    cr_expect_null(f[0].file);
    cr_assert_eq(symbol_frames(0, f, 4), 1);
    cr_expect_str_eq(f[0].function, "?");
}

Test(symbol, globals_by_any_of_their_bytes)
{
    struct symbol_global g;
    cr_assert(symbol_global((uintptr_t)&table[9], &g));
    cr_expect_str_eq(g.name, "table");
    cr_expect_eq(g.size, sizeof table);
    cr_expect_eq(g.start, (uintptr_t)table);
    cr_expect(g.file && strstr(g.file, "test_symbol.c"));
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

Test(symbol, fields_and_elements_of_globals)
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

Test(symbol, static_variable_of_a_function)
{
    static long calls[3];
    struct symbol_global g;
    calls[0]++;
    cr_assert(symbol_global((uintptr_t)&calls[2], &g));
    cr_expect_str_eq(g.name, "calls");
    cr_expect_eq(g.size, sizeof calls);
    cr_expect_eq(g.line, __LINE__ - 6);
}

Test(symbol, global_of_a_library_without_debug_information)
{
    struct symbol_global g;
    char **at = dlsym(RTLD_NEXT, "program_invocation_name");
    cr_assert(symbol_global((uintptr_t)at, &g));
    cr_expect_eq(g.start, (uintptr_t)at);
    cr_expect(strstr(g.name, "prog"), "named %s", g.name); /* it has several names */
    cr_expect_eq(g.size, sizeof(char *));
}

Test(symbol, heap_and_stack_are_no_globals)
{
    struct symbol_global g = {.name = "untouched"};
    int on_stack;
    void *p = malloc(10);
    cr_expect_not(symbol_global((uintptr_t)p, &g));
    cr_expect_not(symbol_global((uintptr_t)&on_stack, &g));
    cr_expect_str_eq(g.name, "untouched");
    free(p);
}

/* ---- offline ---- */

static int find_self(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(uintptr_t *)arg = info->dlpi_addr; /* the program comes first */
    return 1;
}

static size_t own_build_id(unsigned char *id, size_t max)
{
    struct dl_phdr_info self = {0};
    uintptr_t base = 0;
    dl_iterate_phdr(find_self, &base);
    const ElfW(Ehdr) *eh = (const void *)(base ? base : 0x400000);
    self.dlpi_phdr = (const void *)((const char *)eh + eh->e_phoff);
    for (int i = 0; i < eh->e_phnum; i++) {
        if (self.dlpi_phdr[i].p_type != PT_NOTE)
            continue;
        const char *p = (const char *)base + self.dlpi_phdr[i].p_vaddr;
        const char *end = p + self.dlpi_phdr[i].p_memsz;
        while (p < end) {
            const ElfW(Nhdr) *h = (const void *)p;
            p += sizeof *h + ((h->n_namesz + 3) & ~3u);
            if (h->n_type == NT_GNU_BUILD_ID && h->n_descsz <= max) {
                memcpy(id, p, h->n_descsz);
                return h->n_descsz;
            }
            p += (h->n_descsz + 3) & ~3u;
        }
    }
    return 0;
}

Test(symbol, file_by_path_gives_the_same_frames)
{
    struct symbol_frame f[8];
    uintptr_t base = 0;
    outer();
    dl_iterate_phdr(find_self, &base);
    cr_assert_eq(symbol_file_frames("/proc/self/exe", NULL, 0, outer_pc - base, f, 8), 3);
    check_frame(&f[0], "inner", line_inner, true);
    check_frame(&f[2], "outer", line_outer, false);
}

Test(symbol, file_rebuilt_since_gives_nothing)
{
    struct symbol_frame f[8];
    unsigned char id[64];
    uintptr_t base = 0;
    size_t n = own_build_id(id, sizeof id);
    outer();
    dl_iterate_phdr(find_self, &base);
    if (n == 0)
        cr_skip_test("linked without a build-id");
    cr_assert_eq(symbol_file_frames("/proc/self/exe", id, n, outer_pc - base, f, 8), 3);
    id[0] ^= 1;
    cr_assert_eq(symbol_file_frames("/proc/self/exe", id, n, outer_pc - base, f, 8), 1);
    cr_expect_str_eq(f[0].function, "?");
}

Test(symbol, file_that_is_missing_or_no_program)
{
    struct symbol_frame f[2];
    cr_assert_eq(symbol_file_frames("/nonexistent/program", NULL, 0, 4096, f, 2), 1);
    cr_expect_str_eq(f[0].function, "?");
    cr_assert_eq(symbol_file_frames("/proc/self/status", NULL, 0, 4096, f, 2), 1);
    cr_expect_str_eq(f[0].function, "?");
}
