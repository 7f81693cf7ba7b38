/* test_dso.c - the files that are loaded, and that go away. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <string.h>
#include "dso.h"

static const struct dso *with(const struct dso_list *l, uintptr_t addr)
{
    for (size_t i = 0; i < l->n; i++)
        if (addr - l->at[i].lo < l->at[i].size)
            return &l->at[i];
    return NULL;
}

static int in_bss[100];

Test(dso, the_program_and_its_libraries_are_listed)
{
    struct dso_list l;
    dso_list(&l);
    const struct dso *program = with(&l, (uintptr_t)with);
    cr_assert(program && with(&l, (uintptr_t)&in_bss[99]) == program);
    const struct dso *libc = with(&l, (uintptr_t)dlsym(RTLD_NEXT, "strlen"));
    cr_assert(libc && libc != program && *libc->path);
    cr_expect(dso_find(&l, libc) == libc);
    cr_expect(dso_overlaps(&l, libc->lo, 1));
    cr_expect(dso_overlaps(&l, libc->lo - 10, 11));
    cr_expect(!dso_overlaps(&l, 0, 4096));
    dso_list_fini(&l);
    cr_expect_eq(l.n, 0);
}

Test(dso, place_of_code_is_a_file_and_an_offset)
{
    char path[512], shorter[4] = "xxx";
    uintptr_t offset;
    Dl_info program, libc;
    cr_assert(dladdr((void *)(uintptr_t)with, &program));
    cr_assert(dso_place((uintptr_t)with, path, sizeof path, &offset));
    cr_expect_eq(offset, (uintptr_t)with - (uintptr_t)program.dli_fbase);
    cr_expect(path[0] == '/' && strstr(path, "test_dso"), "path is %s", path);
    void *strlen_there = dlsym(RTLD_NEXT, "strlen");
    cr_assert(dladdr(strlen_there, &libc));
    cr_assert(dso_place((uintptr_t)strlen_there, path, sizeof path, &offset));
    cr_expect_eq(offset, (uintptr_t)strlen_there - (uintptr_t)libc.dli_fbase);
    cr_expect_str_eq(path, libc.dli_fname);
    cr_assert(dso_place((uintptr_t)strlen_there, shorter, sizeof shorter, &offset));
    cr_expect_eq(strlen(shorter), 3);
    cr_expect(!dso_place((uintptr_t)in_bss / 4096 % 4096, path, sizeof path, &offset));
}

Test(dso, one_that_was_unloaded_is_not_found)
{
    struct dso_list before, during, after;
    dso_list(&before);
    void *library = dlopen("libBrokenLocale.so.1", RTLD_NOW);
    if (!library)
        cr_skip_test("no library that is not loaded anyway");
    dso_list(&during);
    const struct dso *it = NULL;
    for (size_t i = 0; i < during.n; i++)
        if (!dso_find(&before, &during.at[i]))
            it = &during.at[i];
    cr_assert(it && strstr(it->path, "libBrokenLocale"));
    cr_expect(!dso_overlaps(&before, it->lo, it->size));
    cr_assert_eq(dlclose(library), 0);
    dso_list(&after);
    cr_expect_null(dso_find(&after, it));
    dso_list_fini(&before);
    dso_list_fini(&during);
    dso_list_fini(&after);
}
