/* test_race_log.c - reports read back from logs, text and JSON alike. */
#include <criterion/criterion.h>
#include "race_log.h"
#include "main_double.h"
#include "../../tools/json.c"

static const char text[] = "the program's own output\n"
                           "==================\n"
                           "WARNING: DATA RACE\n"
                           "Write (atomic) at 0x00000040 by goroutine 8 (worker):\n"
                           "  increment() dir/counter.c:21:12\n"
                           "  body() /abs/b.c:7\n"
                           "  malloc() /lib/libc.so.6+0x9d2a0\n"
                           "\n"
                           "Previous read at 0x00000042 by main goroutine:\n"
                           "  say_hello() dir/counter.c:14:30\n"
                           "\n"
                           "Location: global 'counter' of 4 bytes, dir/counter.c:7\n"
                           "\n"
                           "Locks held: none\n"
                           "\n"
                           "Not ordered because:\n"
                           "  one reason\n"
                           "  another reason\n"
                           "\n"
                           "Goroutine 8 (running) created at:\n"
                           "  go_main() dir/counter.c:30:5\n"
                           "\n"
                           "Reproduce: GOSHAWK_SEED=417 ./counter\n"
                           "==================\n"
                           "Found 1 data race(s)\n";

static struct json *read_all(const char *log, size_t n)
{
    int line;
    struct json *reports = json_array(NULL, NULL);
    const char *error = race_log_read(log, n, reports, &line);
    cr_assert_null(error, "line %d: %s", line, error);
    return reports;
}

static size_t count(const struct json *v)
{
    size_t n = 0;
    json_each(m, v)
        n += m != NULL;
    return n;
}

Test(race_log, text)
{
    struct json *reports = read_all(text, sizeof text - 1), *r = reports->first;
    cr_assert_eq(count(reports), 1);
    cr_expect_str_eq(json_text(r, "type", ""), "race");
    cr_expect_str_eq(json_text(r, "reproduce", ""), "GOSHAWK_SEED=417 ./counter");
    cr_expect_eq(count(json_get(r, "not_ordered_because")), 2);
    const struct json *now = json_get(r, "accesses")->first, *before = now->next;
    cr_expect_str_eq(json_text(now, "kind", ""), "write");
    cr_expect(json_is(now, "atomic"));
    cr_expect_str_eq(json_text(now, "address", ""), "0x00000040");
    cr_expect_str_eq(json_text(json_get(now, "by"), "name", ""), "worker");
    cr_expect_eq(json_int(json_get(now, "by"), "id", 0), 8);
    cr_expect_eq(count(json_get(now, "stack")), 3);
    const struct json *f = json_get(now, "stack")->first;
    cr_expect_str_eq(json_text(f, "function", ""), "increment");
    cr_expect_str_eq(json_text(f, "file", ""), "dir/counter.c");
    cr_expect(json_int(f, "line", 0) == 21 && json_int(f, "column", 0) == 12);
    cr_expect_eq(json_int(f->next, "line", 0), 7);
    cr_expect_null(json_get(f->next, "column"));
    cr_expect_str_eq(json_text(f->next->next, "module", ""), "/lib/libc.so.6");
    cr_expect_str_eq(json_text(f->next->next, "offset", ""), "0x9d2a0");
    cr_expect_str_eq(json_text(before, "kind", ""), "read");
    cr_expect(json_is(json_get(before, "by"), "main"));
    cr_expect_str_eq(json_text(json_get(r, "location"), "name", ""), "counter");
    const struct json *life = json_get(r, "lives")->first;
    cr_expect_str_eq(json_text(life, "state", ""), "running");
    cr_expect_eq(count(json_get(life, "created_at")), 1);
    json_free(reports);
}

Test(race_log, the_same_race_again_is_counted)
{
    char *twice = cmd_printf("%s%s", text, text);
    struct json *reports = read_all(twice, strlen(twice));
    cr_assert_eq(count(reports), 1);
    cr_expect_eq(json_int(reports->first, "count", 0), 2);
    json_free(reports);
    free(twice);
}

Test(race_log, fingerprints_know_no_lines_but_functions)
{
    char *shifted = cmd_strdup(text), *renamed = cmd_strdup(text);
    memcpy(strstr(shifted, ":21:12"), ":99:11", 6);
    memcpy(strstr(renamed, "say_hello"), "say_hallo", 9);
    char *all = cmd_printf("%s%s%s", text, shifted, renamed);
    struct json *reports = read_all(all, strlen(all));
    cr_assert_eq(count(reports), 2);
    cr_expect_eq(json_int(reports->first, "count", 0), 2);
    json_free(reports);
    free(all);
    free(shifted);
    free(renamed);
}

Test(race_log, uses_after_free_have_two_accesses_too)
{
    static const char log[] = "==================\n"
                              "WARNING: HEAP USE AFTER FREE\n"
                              "Read at 0x44 by goroutine 2:\n"
                              "  f() a.c:3:4\n"
                              "\n"
                              "Previous write (free) at 0x40 by thread 1 (worker):\n"
                              "  g() a.c:9:4\n"
                              "==================\n"
                              "==================\n"
                              "WARNING: DOUBLE FREE\n"
                              "Write (free) at 0x44 by goroutine 2:\n"
                              "  f() a.c:3:4\n"
                              "\n"
                              "Previous write (free) at 0x40 by thread 1 (worker):\n"
                              "  g() a.c:9:4\n"
                              "==================\n"
                              "==================\n"
                              "WARNING: DOUBLE FREE (raced)\n"
                              "Write (free) at 0x44 by goroutine 2:\n"
                              "  f() a.c:3:4\n"
                              "\n"
                              "Previous write (free) at 0x40 by thread 1 (worker):\n"
                              "  h() a.c:12:4\n"
                              "==================\n";
    struct json *reports = read_all(log, sizeof log - 1), *use = reports->first;
    cr_assert_eq(count(reports), 3);
    cr_expect_str_eq(json_text(use, "type", ""), "heap-use-after-free");
    cr_expect_str_eq(json_text(use->next, "type", ""), "double-free");
    cr_expect_str_eq(json_text(use->next->next, "type", ""), "race");
    const struct json *now = json_get(use, "accesses")->first;
    cr_expect_str_eq(json_text(now, "kind", ""), "read");
    cr_expect_eq(count(json_get(now, "stack")), 1);
    cr_expect_eq(count(json_get(now->next, "stack")), 1);
    cr_expect_str_eq(json_text(json_get(now->next, "by"), "name", ""), "worker");
    cr_expect_str_neq(json_text(use, "fingerprint", ""), json_text(use->next, "fingerprint", ""));
    json_free(reports);
}

Test(race_log, other_kinds_of_report)
{
    static const char log[] = "==================\n"
                              "WARNING: LOCK ORDER INVERSION (potential deadlock)\n"
                              "Goroutine 2 takes mutex 'b' while it holds mutex 'a':\n"
                              "  f() a.c:3:4\n"
                              "\n"
                              "Goroutine 3 takes mutex 'a' while it holds mutex 'b':\n"
                              "  g() a.c:9:4\n"
                              "==================\n";
    struct json *reports = read_all(log, sizeof log - 1);
    cr_assert_eq(count(reports), 1);
    cr_expect_str_eq(json_text(reports->first, "type", ""), "lock-order-inversion");
    cr_expect_eq(count(json_get(reports->first, "stacks")), 2);
    json_free(reports);
}

Test(race_log, json_lines_among_others)
{
    static const char log[] = "output\n{\"type\":\"race\",\"fingerprint\":\"12\",\"accesses\":[]}\n"
                              "{\"type\":\"summary\",\"races\":1}\n{\"my\":\"own\"}\n";
    struct json *reports = read_all(log, sizeof log - 1);
    cr_assert_eq(count(reports), 1);
    cr_expect_str_eq(json_text(reports->first, "fingerprint", ""), "12");
    json_free(reports);
    int line;
    static const char broken[] = "x\n{\"type\":\"race\",\n";
    reports = json_array(NULL, NULL);
    cr_expect(race_log_read(broken, sizeof broken - 1, reports, &line) && line == 2);
    json_free(reports);
}

Test(race_log, a_line_with_a_zero_in_it)
{
    static const char log[] = "==================\nWARNING: DATA RACE\nWrite at 0x1 by goroutine "
                              "8 (x\0y):\n  f() a.c:1\n==================\n";
    json_free(read_all(log, sizeof log - 1));
}

Test(race_log, a_report_that_was_cut_off_is_left_out_wherever_that_is)
{
    const char *end = strstr(strstr(text, "Reproduce"), "====");
    for (size_t n = 0; n <= (size_t)(end - text); n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, text, n);
        struct json *reports = read_all(cut, n);
        cr_expect_eq(count(reports), 0, "%zu bytes", n);
        json_free(reports);
        free(cut);
    }
}
