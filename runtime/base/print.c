/* print.c - see print.h.  vsnprintf is used for the formatting itself: for integers and strings
 * glibc's takes no lock and no heap memory, so that it serves in signal handlers too. */
#include "print.h"
#include "check.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void text_init(struct text *t, char *buf, size_t cap)
{
    t->buf = buf;
    t->len = 0;
    t->cap = cap;
    buf[0] = 0;
}

void text_vprintf(struct text *t, const char *fmt, va_list ap)
{
    size_t room = t->cap - t->len;
    int n = vsnprintf(t->buf + t->len, room, fmt, ap);
    if (n > 0)
        t->len += (size_t)n < room ? (size_t)n : room - 1;
}

void text_printf(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(t, fmt, ap);
    va_end(ap);
}

void rt_write(int fd, const void *p, size_t n)
{
    const char *s = p;
    int saved = errno;
    while (n > 0) {
        ssize_t k = write(fd, s, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break;
        s += k;
        n -= (size_t)k;
    }
    errno = saved;
}

void rt_printf(int fd, const char *fmt, ...)
{
    char buf[1024];
    struct text t;
    text_init(&t, buf, sizeof buf);
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(&t, fmt, ap);
    va_end(ap);
    rt_write(fd, t.buf, t.len);
}

_Noreturn void rt_check_failed(const char *expr, const char *file, int line)
{
    rt_printf(2, "goshawk: internal error: %s at %s:%d\n", expr, file, line);
    abort();
}
