/* http.c - see http.h. */
#include "http.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool http_wants_more(const struct http_request *x)
{
    return x->n < HTTP_REQUEST_MAX && !memmem(x->bytes, x->n, "\r\n\r\n", 4);
}

/* The value of a header, in place; "" when it is not there. */
static const char *header(char *lines, const char *name)
{
    size_t n = strlen(name);
    for (char *line = lines, *end; *line; line = end + 2) {
        end = strstr(line, "\r\n");
        if (!end || end == line)
            break;
        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
            continue;
        for (line += n + 1; *line == ' ' || *line == '\t'; line++)
            ;
        *end = 0;
        return line;
    }
    return "";
}

int http_parse(struct http_request *x)
{
    x->bytes[x->n] = 0;
    char *line = x->bytes, *end = strstr(line, "\r\n");
    if (!end || !strstr(line, "\r\n\r\n") || strlen(line) != x->n)
        return 400;
    *end = 0;
    x->host = header(end + 2, "Host");
    x->head = strncmp(line, "HEAD ", 5) == 0;
    if (!x->head && strncmp(line, "GET ", 4) != 0)
        return 405;
    char *path = line + (x->head ? 5 : 4), *version = strchr(path, ' ');
    if (*path != '/' || !version || strncmp(version, " HTTP/1.", 8) != 0)
        return 400;
    *version = 0;
    char *query = strchr(path, '?');
    if (query)
        *query++ = 0;
    x->path = path;
    x->query = query ? query : "";
    return 0;
}

const char *http_value(const char *query, const char *name, char buf[HTTP_VALUE_MAX])
{
    size_t n = strlen(name);
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > n && query[n] == '=' && strncmp(query, name, n) == 0) {
            if (len - n - 1 >= HTTP_VALUE_MAX)
                return NULL;
            memcpy(buf, query + n + 1, len - n - 1);
            buf[len - n - 1] = 0;
            return buf;
        }
        query += len + (query[len] == '&');
    }
    return NULL;
}

bool http_same_secret(const char *a, size_t n, const char *b)
{
    unsigned char different = strlen(b) != n;
    for (size_t i = 0; i < n && b[i]; i++)
        different |= (unsigned char)(a[i] ^ b[i]);
    return !different;
}

static const char *reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    default:
        return "Internal Server Error";
    }
}

size_t http_head(char *buf, size_t cap, int status, const char *type, uint64_t length)
{
    int n = snprintf(buf, cap,
                     "HTTP/1.1 %d %s\r\n"
                     "Content-Type: %s\r\n"
                     "Content-Length: %llu\r\n"
                     "Connection: close\r\n"
                     "Cache-Control: no-store\r\n"
                     "X-Content-Type-Options: nosniff\r\n"
                     "Referrer-Policy: no-referrer\r\n"
                     "Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; "
                     "style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; "
                     "form-action 'self'; frame-ancestors 'none'\r\n"
                     "\r\n",
                     status, reason(status), type, (unsigned long long)length);
    return n < 0 || (size_t)n >= cap ? 0 : (size_t)n;
}
