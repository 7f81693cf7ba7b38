/* test_args.c - argument vectors and response files of the goshawk command. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "args.h"
#include "cmd.h"

/* Of main.c, which has a main() of its own. */
void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    cr_assert_not_null(p);
    return p;
}

static int read_text(struct args *a, const char *text)
{
    char path[] = "/tmp/goshawk-args-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int err = args_add_response_file(a, path);
    unlink(path);
    return err;
}

Test(args, grow_and_stay_terminated)
{
    struct args a = {0};
    char word[] = "word";
    for (int i = 0; i < 1000; i++) {
        args_add(&a, word);
        cr_assert_eq(a.n, i + 1);
        cr_assert_null(a.v[a.n]);
    }
    cr_assert_eq(a.v[999], word, "strings are borrowed");
    args_fini(&a);
    cr_assert_eq(a.n, 0);
}

Test(args, add_all_stops_at_null)
{
    struct args a = {0};
    args_add_all(&a, (const char *const[]){"a", "b", NULL, "c"});
    cr_assert_eq(a.n, 2);
    cr_assert_str_eq(a.v[1], "b");
    args_fini(&a);
}

Test(args, response_file_is_split_as_gcc_does)
{
    struct args a = {0};
    cr_assert_eq(read_text(&a, "  -O2 'a b'\n\"c d\"e\tf\\ g \"h'i\" j\\\\k ''"), 0);
    const char *expected[] = {"-O2", "a b", "c de", "f g", "h'i", "j\\k", ""};
    cr_assert_eq(a.n, 7);
    for (int i = 0; i < 7; i++)
        cr_assert_str_eq(a.v[i], expected[i]);
    args_fini(&a);
}

Test(args, empty_response_file_adds_nothing)
{
    struct args a = {0};
    cr_assert_eq(read_text(&a, ""), 0);
    cr_assert_eq(read_text(&a, " \n\t"), 0);
    cr_assert_eq(a.n, 0);
}

Test(args, missing_response_file_is_an_error)
{
    struct args a = {0};
    cr_assert_eq(args_add_response_file(&a, "/nonexistent/args"), -ENOENT);
    cr_assert_eq(a.n, 0);
}
