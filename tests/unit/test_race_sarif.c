/* test_race_sarif.c - reports as SARIF: the members that the standard asks for, and ours. */
#include <criterion/criterion.h>
#include "race_sarif.h"
#include "main_double.h"
#include "../../tools/json.c"

static const char reports_text[] =
    "[{\"type\":\"race\",\"fingerprint\":\"00ff\",\"count\":3,\"reproduce\":\"./x\",\"accesses\":["
    "{\"kind\":\"write\",\"atomic\":false,\"by\":{\"kind\":\"goroutine\",\"id\":8,\"main\":false},"
    "\"stack\":[{\"function\":\"memcpy\",\"module\":\"libc\"},"
    "{\"function\":\"f\",\"file\":\"/root dir/a b.c\",\"line\":21,\"column\":3}]},"
    "{\"kind\":\"read\",\"atomic\":true,\"by\":{\"kind\":\"thread\",\"id\":1,\"main\":false},"
    "\"stack\":[{\"function\":\"g\",\"file\":\"/else/c.c\",\"line\":5}]}],"
    "\"location\":{\"kind\":\"global\",\"name\":\"x\",\"part\":\".y\"},"
    "\"not_ordered_because\":[\"nobody said so\"],\"lives\":[]},"
    "{\"type\":\"lock-order-inversion\",\"title\":\"LOCK "
    "ORDER\",\"fingerprint\":\"01\",\"count\":1,"
    "\"stacks\":[{\"title\":\"one\",\"stack\":[{\"function\":\"f\",\"file\":\"a.c\",\"line\":1}]},"
    "{\"title\":\"two\",\"stack\":[]}]}]";

static struct json *converted(const char *text)
{
    const char *error;
    char *buf;
    size_t n;
    struct json *reports = json_parse(text, strlen(text), &error);
    cr_assert(reports, "%s", error);
    FILE *out = open_memstream(&buf, &n);
    race_sarif_write(reports, "/root dir", out);
    fclose(out);
    struct json *log = json_parse(buf, n, &error);
    cr_assert(log, "%s", error);
    free(buf);
    json_free(reports);
    return log;
}

static const struct json *first(const struct json *v, const char *key)
{
    const struct json *array = json_get(v, key);
    cr_assert(array && array->type == JSON_ARRAY && array->first, "%s", key);
    return array->first;
}

static const char *uri(const struct json *location)
{
    const struct json *p = json_get(location, "physicalLocation");
    return json_text(json_get(p, "artifactLocation"), "uri", "");
}

Test(race_sarif, a_race_is_a_result_with_place_stacks_and_fingerprint)
{
    struct json *log = converted(reports_text);
    cr_expect_str_eq(json_text(log, "version", ""), "2.1.0");
    const struct json *run = first(log, "runs"), *r = first(run, "results");
    cr_expect_str_eq(json_text(json_get(json_get(run, "tool"), "driver"), "name", ""), "Goshawk");
    cr_expect_str_eq(json_text(r, "ruleId", ""), "data-race");
    cr_expect_str_eq(json_text(r, "level", ""), "error");
    cr_expect_eq(json_int(r, "occurrenceCount", 0), 3);
    cr_expect_str_eq(json_text(json_get(r, "message"), "text", ""),
                     "Data race on 'x.y': write by goroutine 8, and previous atomic read by thread "
                     "T1 are not ordered. Nobody said so.");
    cr_expect_str_eq(uri(first(r, "locations")), "a%20b.c", "the innermost frame with a line");
    const struct json *region =
        json_get(json_get(first(r, "locations"), "physicalLocation"), "region");
    cr_expect(json_int(region, "startLine", 0) == 21 && json_int(region, "startColumn", 0) == 3);
    cr_expect_str_eq(uri(first(r, "relatedLocations")), "file:///else/c.c");
    cr_expect_eq(json_get(first(r, "stacks"), "frames")->first->next->next, NULL);
    cr_expect_str_eq(json_text(json_get(r, "partialFingerprints"), "goshawk/v1", ""), "00ff");
    json_free(log);
}

Test(race_sarif, other_reports_have_their_rule)
{
    struct json *log = converted(reports_text);
    const struct json *r = first(first(log, "runs"), "results")->next;
    cr_expect_str_eq(json_text(r, "ruleId", ""), "lock-order-inversion");
    cr_expect_eq(json_int(r, "ruleIndex", 0), 3);
    cr_expect_str_eq(uri(first(r, "locations")), "a.c");
    json_free(log);
}

Test(race_sarif, no_report_is_a_run_without_results)
{
    struct json *log = converted("[]");
    const struct json *results = json_get(first(log, "runs"), "results");
    cr_assert(results && results->type == JSON_ARRAY && !results->first);
    json_free(log);
}

Test(race_sarif, reports_that_lack_what_they_should_have_do_no_harm)
{
    json_free(converted("[{},{\"type\":\"race\",\"accesses\":[]},{\"type\":\"race\",\"accesses\":"
                        "[{}]},{\"type\":\"thread-leak\",\"stacks\":[{}]},{\"type\":7},"
                        "{\"not_ordered_because\":[\"\",7,null]}]"));
}
