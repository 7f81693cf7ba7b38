/* print.h - messages of the runtime, without malloc and without stdio's locks. */
#ifndef BASE_PRINT_H
#define BASE_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* A text that grows in memory of the caller and is cut, never overrun, when that is full. */
struct text {
    char *buf;
    size_t len, cap; /* len < cap; buf[len] == 0 */
};

void text_init(struct text *t, char *buf, size_t cap);
void text_vprintf(struct text *t, const char *fmt, va_list ap);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Formats at most 1023 bytes and writes them to fd in one write(2). */
void rt_printf(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Writes all of [p, p+n) to fd, going on after partial writes and EINTR. */
void rt_write(int fd, const void *p, size_t n);

#endif
