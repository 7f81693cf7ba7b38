/* test_page_file.c - a page is whole, or is not there. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "cmd.h"
#include "view/page_file.h"

/* Of main.c, which has a main() of its own. */
void *cmd_alloc(unsigned long size)
{
    void *p = malloc(size);
    cr_assert_not_null(p);
    return p;
}

char *cmd_strdup(const char *s)
{
    return strcpy(cmd_alloc(strlen(s) + 1), s);
}

char *cmd_printf(const char *fmt, ...)
{
    va_list ap;
    char *text;
    va_start(ap, fmt);
    cr_assert_geq(vasprintf(&text, fmt, ap), 0);
    va_end(ap);
    return text;
}

static char folder[64];

static void in_a_folder(void)
{
    strcpy(folder, "/tmp/goshawk-page-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

/* Removes the folder and returns how many files were in it. */
static int clear_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.' && unlink(e->d_name) == 0)
            n++;
    closedir(d);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(folder), 0);
    return n;
}

static size_t read_file(const char *name, char *buf, size_t cap)
{
    FILE *f = fopen(name, "r");
    cr_assert_not_null(f);
    size_t n = fread(buf, 1, cap - 1, f);
    fclose(f);
    buf[n] = 0;
    return n;
}

static size_t from_base64(const char *text, size_t len, unsigned char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    cr_assert_eq(len % 4, 0, "whole groups");
    for (size_t i = 0; i < len; i += 4) {
        unsigned v = 0, pad = 0;
        for (int k = 0; k < 4; k++) {
            pad += text[i + k] == '=';
            const char *at = strchr(alphabet, text[i + k]);
            v = v << 6 | (text[i + k] == '=' ? 0 : (unsigned)(at - alphabet));
        }
        for (unsigned k = 0; k < 3 - pad; k++)
            out[n++] = (unsigned char)(v >> (16 - 8 * k));
    }
    return n;
}

/* Writes n bytes in pieces of step and reads them back out of the page. */
static void there_and_back(size_t n, size_t step)
{
    unsigned char *data = cmd_alloc(n + 1), *squeezed = cmd_alloc(n * 2 + 1000);
    unsigned char *back = cmd_alloc(n + 1);
    char *text = cmd_alloc(n * 3 + 1000);
    uint32_t random = 12345;
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        data[i] = (unsigned char)(random >> 24);
    }
    int err = 0;
    uint64_t size;
    struct page_file *f = page_file_make("page", &err);
    cr_assert_not_null(f);
    page_file_text(f, "<", 1);
    for (size_t at = 0; at < n; at += step)
        page_file_data(f, data + at, n - at < step ? n - at : step);
    page_file_data_end(f);
    page_file_text(f, ">", 1);
    cr_assert_eq(page_file_finish(f, true, &size), 0);
    size_t len = read_file("page", text, n * 3 + 1000);
    cr_assert_eq(size, len);
    cr_assert(text[0] == '<' && text[len - 1] == '>');
    size_t packed = from_base64(text + 1, len - 2, squeezed);
    uLongf got = n + 1;
    cr_assert_eq(uncompress(back, &got, squeezed, packed), Z_OK);
    cr_assert_eq(got, n);
    cr_assert_eq(memcmp(back, data, n), 0);
    free(data);
    free(squeezed);
    free(back);
    free(text);
}

Test(page_file, data_comes_back)
{
    in_a_folder();
    for (size_t n = 0; n < 12; n++)
        there_and_back(n, 1);
    there_and_back(400000, 7777);
    there_and_back(48 * 1024 * 3, 48 * 1024);
    cr_assert_eq(clear_folder(), 1);
}

Test(page_file, takes_its_name_only_when_whole)
{
    char text[16];
    uint64_t size;
    int err = 0;
    in_a_folder();
    FILE *old = fopen("page", "w");
    fputs("old", old);
    fclose(old);
    struct page_file *f = page_file_make("page", &err);
    page_file_text(f, "new", 3);
    read_file("page", text, sizeof(text));
    cr_assert_str_eq(text, "old", "not before it is finished");
    page_file_finish(f, false, &size);
    read_file("page", text, sizeof(text));
    cr_assert_str_eq(text, "old", "given up");
    f = page_file_make("page", &err);
    page_file_text(f, "new", 3);
    cr_assert_eq(page_file_finish(f, true, &size), 0);
    read_file("page", text, sizeof(text));
    cr_assert_str_eq(text, "new");
    cr_assert_eq(clear_folder(), 1, "no temporary file is left");
}

Test(page_file, keeps_the_users_rights_and_links)
{
    struct stat st;
    uint64_t size;
    int err = 0;
    in_a_folder();
    umask(027);
    cr_assert_eq(symlink("target", "link"), 0);
    fclose(fopen("target", "w"));
    struct page_file *f = page_file_make("link", &err);
    cr_assert_eq(page_file_finish(f, true, &size), 0);
    cr_assert_eq(lstat("link", &st), 0);
    cr_assert(S_ISLNK(st.st_mode), "the link is still a link");
    cr_assert_eq(stat("target", &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
    cr_assert_eq(clear_folder(), 2);
}

Test(page_file, says_why_it_cannot)
{
    uint64_t size;
    int err = 0;
    in_a_folder();
    cr_assert_null(page_file_make("no/such/page", &err));
    cr_assert_eq(err, -ENOENT);
    cr_assert_null(page_file_make(".", &err));
    cr_assert_eq(err, -EISDIR);
    if (access("/dev/full", W_OK) == 0) {
        struct page_file *f = page_file_make("/dev/full", &err);
        page_file_text(f, "x", 1);
        page_file_data(f, "x", 1);
        cr_assert_eq(page_file_finish(f, true, &size), -ENOSPC);
    }
    cr_assert_eq(clear_folder(), 0);
}
