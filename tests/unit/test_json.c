/* test_json.c - JSON of the goshawk command: what is read is written again, what is wrong is
 * told. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "json.h"
#include "main_double.h"

static struct json *parse(const char *text)
{
    const char *error = NULL;
    struct json *v = json_parse(text, strlen(text), &error);
    cr_assert((v != NULL) == (error == NULL));
    return v;
}

static void expect_written(const char *text, const char *want, int indent)
{
    char *buf;
    size_t n;
    struct json *v = parse(text);
    cr_assert(v, "%s", text);
    FILE *out = open_memstream(&buf, &n);
    json_write(v, out, indent);
    fclose(out);
    cr_expect_str_eq(buf, want);
    free(buf);
    json_free(v);
}

Test(json, values_come_out_as_they_went_in)
{
    static const char *const same[] = {
        "null",
        "true",
        "false",
        "0",
        "-12.5e+3",
        "\"\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":null}],\"x\"]",
        "{\"a\":1,\"b\":[true,false],\"a\":2}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!strstr(same[i], "\\n"))
            expect_written(same[i], same[i], -1);
    expect_written(" [ 1 ,\t2 ]\r\n", "[1,2]", -1);
    expect_written("\"\\u0041\\u00e9\\u20ac\\/\\t\"", "\"A\xc3\xa9\xe2\x82\xac/\\u0009\"", -1);
    expect_written("{\"a\":[1]}", "{\n  \"a\": [\n    1\n  ]\n}", 0);
}

Test(json, what_is_wrong_is_told)
{
    static const char *const wrong[] = {
        "",    "{",     "[1,",     "[1 2]",     "{\"a\"}",     "{\"a\":}", "{a:1}",
        "tru", "\"abc", "\"\\x\"", "\"\\u12\"", "\"\\",        "1.",       "-",
        "1e",  "[1]]",  "nul",     "{\"a\":1",  "\"\\u0000\"", "[\"\n\"]", "\"a\\u00g0\"",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_null(parse(wrong[i]), "%s", wrong[i]);
    char deep[300];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = 0;
    cr_expect_null(parse(deep));
}

Test(json, every_beginning_of_a_text_is_refused)
{
    static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u0041\\n\",{\"b\":null,\"c\":true}]}";
    const char *error;
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        char *cut = malloc(n ? n : 1); /* its very end, for valgrind and sanitizers */
        memcpy(cut, text, n);
        cr_expect_null(json_parse(cut, n, &error), "%zu bytes", n);
        free(cut);
    }
}

Test(json, members)
{
    struct json *v = parse("{\"s\":\"x\",\"n\":-7,\"b\":true,\"o\":{\"s\":\"y\"}}");
    cr_expect_str_eq(json_text(v, "s", "?"), "x");
    cr_expect_str_eq(json_text(v, "n", "?"), "?");
    cr_expect_eq(json_int(v, "n", 0), -7);
    cr_expect_eq(json_int(v, "none", 5), 5);
    cr_expect(json_is(v, "b"));
    cr_expect_not(json_is(v, "s"));
    cr_expect_str_eq(json_text(json_get(v, "o"), "s", "?"), "y");
    cr_expect_null(json_get(json_get(v, "none"), "s"));
    json_free(v);
}
