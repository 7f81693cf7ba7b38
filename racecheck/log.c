/* log.c - see log.h.
 *
 * The file is opened for the first report, so that a clean run leaves none; named after the process
 * that writes, so that a child after fork() opens its own.  If it cannot be had, stderr gets the
 * reports, after one line that says so.  Only the thread that reports is here; see report.c. */
#include "log.h"
#include "flags.h"
#include "print.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    int fd;
    pid_t of; /* the process that opened it; 0: not yet */
} log_file;

static int log_fd(void)
{
    const char *path = rc_flags()->log_path;
    if (!*path || strcmp(path, "stderr") == 0)
        return 2;
    if (strcmp(path, "stdout") == 0)
        return 1;
    if (log_file.of == getpid())
        return log_file.fd;
    char name[RC_TEXT_MAX + 32];
    snprintf(name, sizeof name, "%s.%d", path, (int)getpid());
    log_file.of = getpid();
    log_file.fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (log_file.fd < 0) {
        rt_printf(2, "goshawk: GORACE: log_path: cannot write %.300s: %s; reports go to stderr\n",
                  name, strerror(errno));
        log_file.fd = 2;
    }
    return log_file.fd;
}

static int room_for(struct log_text *t, size_t n)
{
    if (t->len + n <= t->cap)
        return 1;
    size_t cap = t->cap ? t->cap : 4096;
    while (cap < t->len + n)
        cap *= 2;
    char *buf = realloc(t->buf, cap);
    if (!buf)
        return 0;
    t->buf = buf;
    t->cap = cap;
    return 1;
}

void log_printf(struct log_text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !room_for(t, (size_t)n + 1))
        return;
    va_start(ap, fmt);
    vsnprintf(t->buf + t->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->len += (size_t)n;
}

void log_json(struct log_text *t, const char *s)
{
    log_printf(t, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            log_printf(t, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            log_printf(t, "\\u%04x", c);
        else
            log_printf(t, "%c", c);
    }
    log_printf(t, "\"");
}

bool log_in_color(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (rc_flags()->color != RC_COLOR_AUTO)
        return rc_flags()->color == RC_COLOR_ALWAYS;
    return !(no && *no) && term && strcmp(term, "dumb") != 0 && isatty(log_fd());
}

void log_send(struct log_text *t)
{
    if (t->len)
        rt_write(log_fd(), t->buf, t->len);
    free(t->buf);
    *t = (struct log_text){0};
}
