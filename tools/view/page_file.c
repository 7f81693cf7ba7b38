/* page_file.c - see page_file.h.
 *
 * One block of memory for each stage: deflated bytes, then base64 text, then the file.  Rejected:
 * writing deflated bytes to a second temporary file and encoding at the end (more disk). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "../cmd.h"
#include "page_file.h"

/* LEVEL: of zlib.  Level 6 makes pages a fifth smaller, and takes three quarters of the whole time:
 * 2.2 M events in 2.5 s, and in 0.9 s with level 1. */
enum { LEVEL = 1, DEFLATED_MAX = 48 * 1024, TEXT_MAX = DEFLATED_MAX / 3 * 4 };

struct page_file {
    char *path, *temp; /* temp: NULL when path is written directly */
    int fd, err;
    uint64_t size;
    z_stream z;
    unsigned char deflated[DEFLATED_MAX + 4]; /* up to 2 bytes stay for the next group of 3 */
    size_t left;
    char text[TEXT_MAX + 8];
};

static void put(struct page_file *f, const void *p, size_t n)
{
    const char *c = p;
    while (n > 0 && !f->err) {
        ssize_t done = write(f->fd, c, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            f->err = done < 0 ? -errno : -EIO;
            return;
        }
        c += done;
        n -= (size_t)done;
        f->size += (uint64_t)done;
    }
}

/* Where a page named path ends up: a link to a file is followed, so that it stays a link. */
static char *real_path(const char *path)
{
    struct stat st;
    char *real = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? realpath(path, NULL) : NULL;
    return real ? real : cmd_strdup(path);
}

static int open_target(struct page_file *f)
{
    struct stat st;
    if (stat(f->path, &st) == 0 && !S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? (errno = EISDIR, -1) : open(f->path, O_WRONLY | O_CLOEXEC);
    if (access(f->path, F_OK) == 0 && access(f->path, W_OK) != 0)
        return -1; /* a page that may not be written is not replaced either */
    f->temp = cmd_printf("%s.XXXXXX", f->path);
    int fd = mkostemp(f->temp, O_CLOEXEC);
    if (fd >= 0) {
        mode_t mask = umask(0);
        umask(mask);
        fchmod(fd, 0666 & ~mask);
    }
    return fd;
}

static void page_file_free(struct page_file *f)
{
    deflateEnd(&f->z);
    free(f->path);
    free(f->temp);
    free(f);
}

struct page_file *page_file_make(const char *path, int *ret_err)
{
    struct page_file *f = cmd_alloc(sizeof(*f));
    memset(f, 0, sizeof(*f));
    f->path = real_path(path);
    f->fd = open_target(f);
    if (f->fd < 0 || deflateInit(&f->z, LEVEL) != Z_OK) {
        *ret_err = f->fd < 0 ? -errno : -ENOMEM;
        if (f->fd >= 0) {
            close(f->fd);
            if (f->temp)
                unlink(f->temp);
        }
        page_file_free(f);
        return NULL;
    }
    return f;
}

void page_file_text(struct page_file *f, const void *p, size_t n)
{
    put(f, p, n);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Writes the n deflated bytes that lie ready; without last, what makes no group of 3 stays. */
static void encode(struct page_file *f, size_t n, bool last)
{
    const unsigned char *b = f->deflated;
    char *t = f->text;
    for (; n >= 3; b += 3, n -= 3) {
        unsigned v = (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
        *t++ = alphabet[v >> 18];
        *t++ = alphabet[v >> 12 & 63];
        *t++ = alphabet[v >> 6 & 63];
        *t++ = alphabet[v & 63];
    }
    if (last && n > 0) {
        unsigned v = (unsigned)b[0] << 16 | (n > 1 ? (unsigned)b[1] << 8 : 0);
        *t++ = alphabet[v >> 18];
        *t++ = alphabet[v >> 12 & 63];
        *t++ = n > 1 ? alphabet[v >> 6 & 63] : '=';
        *t++ = '=';
        n = 0;
    }
    put(f, f->text, (size_t)(t - f->text));
    memmove(f->deflated, b, n);
    f->left = n;
}

static void squeeze(struct page_file *f, const void *p, size_t n, int flush)
{
    f->z.next_in = (unsigned char *)p;
    f->z.avail_in = (unsigned)n;
    do {
        f->z.next_out = f->deflated + f->left;
        f->z.avail_out = (unsigned)(DEFLATED_MAX - f->left);
        deflate(&f->z, flush);
        encode(f, DEFLATED_MAX - f->z.avail_out, false);
    } while (f->z.avail_out == 0);
}

void page_file_data(struct page_file *f, const void *p, size_t n)
{
    const unsigned char *b = p;
    while (n > 0 && !f->err) {
        size_t part = n < UINT_MAX / 2 ? n : UINT_MAX / 2;
        squeeze(f, b, part, Z_NO_FLUSH);
        b += part;
        n -= part;
    }
}

void page_file_data_end(struct page_file *f)
{
    squeeze(f, "", 0, Z_FINISH);
    encode(f, f->left, true);
}

int page_file_finish(struct page_file *f, bool keep, uint64_t *ret_size)
{
    if (close(f->fd) != 0 && !f->err)
        f->err = -errno;
    if (f->temp && keep && !f->err && rename(f->temp, f->path) != 0)
        f->err = -errno;
    if (f->temp && (!keep || f->err))
        unlink(f->temp);
    int err = f->err;
    *ret_size = f->size;
    page_file_free(f);
    return err;
}
