/* http.h - as much of HTTP/1.1 as a page on this machine needs: one request, one answer, GET
 * only. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_REQUEST_MAX = 8192, HTTP_VALUE_MAX = 64 };

struct http_request {
    char bytes[HTTP_REQUEST_MAX + 1];
    size_t n;
    bool head;         /* HEAD: no body is wanted */
    const char *path;  /* begins with / */
    const char *query; /* behind the ?, or "" */
    const char *host;  /* of the header Host, or "" */
};

/* Takes the request apart that x->bytes[0..n) holds, up to its empty line.  Returns 0, or the
 * status to answer with: 400 what is none, 405 another method. */
int http_parse(struct http_request *x);

/* Whether the header may grow further; false: its end has come. */
bool http_wants_more(const struct http_request *x);

/* The value of name in a query string, or NULL; what is longer than HTTP_VALUE_MAX is none.
 * Nothing is decoded: names and times need no escapes. */
const char *http_value(const char *query, const char *name, char buf[HTTP_VALUE_MAX]);

/* Whether a and b are equal, in a time that does not tell where they differ. */
bool http_same_secret(const char *a, size_t n, const char *b);

/* The status line and headers of an answer; returns their length. */
size_t http_head(char *buf, size_t cap, int status, const char *type, uint64_t length);

#endif
