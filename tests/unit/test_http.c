/* Requests of HTTP: what is taken apart and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "http.h"

static struct http_request x;

static int parse(const char *text)
{
    memset(&x, 0, sizeof(x));
    x.n = strlen(text);
    memcpy(x.bytes, text, x.n);
    return http_parse(&x);
}

Test(http, a_request_in_parts)
{
    cr_assert_eq(parse("GET /w/data?from=1&to=2 HTTP/1.1\r\nA: b\r\nhost:  localhost:80\r\n\r\n"),
                 0);
    cr_expect_str_eq(x.path, "/w/data");
    cr_expect_str_eq(x.query, "from=1&to=2");
    cr_expect_str_eq(x.host, "localhost:80");
    cr_expect_not(x.head);
    cr_assert_eq(parse("HEAD / HTTP/1.0\r\n\r\n"), 0);
    cr_expect(x.head);
    cr_expect_str_empty(x.query);
    cr_expect_str_empty(x.host);
}

Test(http, what_is_no_request_is_refused)
{
    cr_expect_eq(parse(""), 400);
    cr_expect_eq(parse("GET / HTTP/1.1\r\n"), 400);
    cr_expect_eq(parse("GET http://x/ HTTP/1.1\r\n\r\n"), 400);
    cr_expect_eq(parse("GET /\r\n\r\n"), 400);
    cr_expect_eq(parse("GET / SMTP/1.1\r\n\r\n"), 400);
    cr_expect_eq(parse("POST / HTTP/1.1\r\n\r\n"), 405);
    memset(&x, 0, sizeof(x));
    memcpy(x.bytes, "GET /\0 HTTP/1.1\r\n\r\n", 19);
    x.n = 19;
    cr_expect_eq(http_parse(&x), 400);
}

Test(http, the_header_ends_with_an_empty_line_or_with_the_room)
{
    memset(&x, 0, sizeof(x));
    cr_expect(http_wants_more(&x));
    x.n = (size_t)sprintf(x.bytes, "GET / HTTP/1.1\r\n\r\n");
    cr_expect_not(http_wants_more(&x));
    memset(x.bytes, 'a', HTTP_REQUEST_MAX);
    x.n = HTTP_REQUEST_MAX;
    cr_expect_not(http_wants_more(&x));
    cr_expect_eq(http_parse(&x), 400);
}

Test(http, values_of_a_query)
{
    char buf[HTTP_VALUE_MAX], large[200];
    cr_expect_str_eq(http_value("a=1&from=2ms&b", "from", buf), "2ms");
    cr_expect_str_eq(http_value("from=", "from", buf), "");
    cr_expect_null(http_value("xfrom=1&from", "from", buf));
    cr_expect_null(http_value("", "from", buf));
    snprintf(large, sizeof(large), "from=%0100d", 1);
    cr_expect_null(http_value(large, "from", buf));
}

Test(http, secrets)
{
    cr_expect(http_same_secret("abc", 3, "abc"));
    cr_expect_not(http_same_secret("abd", 3, "abc"));
    cr_expect_not(http_same_secret("ab", 2, "abc"));
    cr_expect_not(http_same_secret("abcd", 4, "abc"));
    cr_expect_not(http_same_secret("", 0, "abc"));
}

Test(http, a_head_that_does_not_fit_is_none)
{
    char buf[1024];
    size_t n = http_head(buf, sizeof(buf), 404, "text/plain", 7);
    cr_expect_eq(n, strlen(buf));
    cr_expect_not_null(strstr(buf, "HTTP/1.1 404 Not Found\r\n"));
    cr_expect_not_null(strstr(buf, "Content-Length: 7\r\n"));
    cr_expect_eq(http_head(buf, 20, 404, "text/plain", 7), 0u);
}
