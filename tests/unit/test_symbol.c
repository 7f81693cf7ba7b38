/* test_symbol.c - names, places and inlined frames of this very program. */
#include "symbol.h"
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEXT_LINE (__LINE__ + 1)

static int table[10];

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

#ifndef __clang__ /* which has no functions within functions */
__attribute__((noinline)) static int around(uintptr_t *ret_pc)
{
    int line = 0;
    __attribute__((noinline)) void within(void)
    {
        line = NEXT_LINE;
        *ret_pc = my_pc();
    }
    within();
    return line;
}

Test(symbol, function_below_another_one)
{
    uintptr_t pc;
    struct symbol_frame f[4];
    int line = around(&pc);
    cr_assert_eq(symbol_frames(pc, f, 4), 1);
    cr_assert_str_eq(f[0].function, "within");
    cr_assert_eq(f[0].line, line);
}
#endif

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

/* ---- shortage ---- */

static void *fill_address_space(size_t chunk)
{
    void *last = NULL, **p;
    while ((p = mmap(NULL, chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) !=
           MAP_FAILED) {
        *p = last;
        last = p;
    }
    return last;
}

static void give_back(void *last, size_t chunk)
{
    while (last) {
        void *next = *(void **)last;
        munmap(last, chunk);
        last = next;
    }
}

enum { NO_LIMIT = 77 }; /* a sanitizer has taken more before; an emulator takes no notice of it */

static bool can_reserve(size_t n)
{
    void *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED)
        munmap(p, n);
    return p != MAP_FAILED;
}

/* libdw exits, or crashes at the look-up after the one that failed. */
static int looks_up_without_memory(void)
{
    enum { CHUNK = 64 << 10 };
    struct symbol_frame f[4];
    struct rlimit limit = {512 << 20, 512 << 20};
    setrlimit(RLIMIT_AS, &limit);
    void *all = can_reserve(limit.rlim_cur) ? NULL : fill_address_space(CHUNK);
    if (!all)
        return NO_LIMIT;
    while (malloc(1000))
        continue;
    for (int i = 0; i < 20; i++)
        if (symbol_frames((uintptr_t)looks_up_without_memory + (uintptr_t)i, f, 4) != 1 ||
            strcmp(f[0].function, "?") != 0)
            return 1;
    give_back(all, CHUNK);
    symbol_frames((uintptr_t)looks_up_without_memory, f, 4);
    return strcmp(f[0].function, "looks_up_without_memory") == 0 ? 0 : 2;
}

Test(symbol, without_memory_no_name)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(looks_up_without_memory());
    cr_assert_eq(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LIMIT)
        cr_skip_test("address space cannot be limited");
    cr_expect_eq(status, 0, "ended with %x", status);
}
