/* test_rc_story_other.c - reports of inversions, misuse and leaks, as text and JSON. */
#include <criterion/criterion.h>
#include <string.h>
#include "story.h"

static char mu, nu;

static struct rc_circle circle(void)
{
    struct rc_circle c = {.n = 2};
    rc_init(NULL);
    for (int i = 0; i < 2; i++) {
        c.edge[i].by = (struct rc_flow_id){RC_GOROUTINE, 2 + (uint64_t)i, 1, ""};
        c.edge[i].held = (struct rc_held_lock){i ? &mu : &nu, "mutex", true, .taken_at = 1};
        c.edge[i].taken = (struct rc_held_lock){i ? &nu : &mu, "mutex", true, .taken_at = 1};
    }
    strcpy(c.edge[0].by.name, "worker");
    return c;
}

Test(rc_story_other, an_inversion_names_both_locks_and_flows)
{
    static struct story_other s;
    struct rc_circle c = circle();
    struct log_text out = {0};
    story_circle(&s, &c);
    cr_expect_str_eq(s.type, "lock-order-inversion");
    cr_assert_eq(s.n_parts, 6);
    cr_expect_str_eq(s.part[0].title,
                     "Goroutine 2 (worker) takes mutex 'mu', while it holds mutex 'nu'");
    cr_expect_str_eq(s.part[1].title, "It took mutex 'nu' at");
    cr_expect_str_eq(s.part[2].title, "Goroutine 3 takes mutex 'nu', while it holds mutex 'mu'");
    cr_expect_str_eq(s.part[4].title, "Goroutine 2 (worker) created at");
    s.reproduce = "./again";
    story_other_text(&s, &out);
    cr_expect(strstr(out.buf, "WARNING: LOCK ORDER INVERSION (potential deadlock)\nGoroutine 2"));
    cr_expect(strstr(out.buf, "\n\nIt took mutex 'nu' at:\n  "));
    cr_expect(strstr(out.buf, "\nReproduce: ./again\n=="));
    story_other_free(&s);
    cr_expect_eq(s.n_parts, 0);
}

Test(rc_story_other, misuse_as_json)
{
    static struct story_other s;
    struct log_text out = {0};
    struct rc_misuse m = {"unlock of an unlocked mutex", &mu, "mutex", {RC_THREAD, 0, 1, ""}, 1};
    rc_init(NULL);
    story_misuse(&s, &m);
    cr_assert_eq(s.n_parts, 1, "nobody asks where the first thread came from");
    s.number = 7;
    story_other_json(&s, &out);
    cr_expect(strstr(out.buf, "{\"type\":\"mutex-misuse\","), "%s", out.buf);
    cr_expect(strstr(out.buf, "\"number\":7,\"fingerprint\":\"0000000000000000\""));
    cr_expect(strstr(out.buf,
                     "\"stacks\":[{\"title\":\"Unlock of an unlocked mutex by main thread: "
                     "mutex 'mu'\",\"stack\":["));
    cr_expect_eq(strchr(out.buf, '\n'), out.buf + strlen(out.buf) - 1, "one line");
    story_other_free(&s);
}

static __attribute__((noinline)) uintptr_t here(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

static struct rc_ctx *blocked_flow(const char *name)
{
    rc_init(NULL);
    struct rc_ctx *c = rc_ctx_make(rc_current(), RC_GOROUTINE, 8, here(), NULL, 0);
    rc_ctx_name(c, name);
    return c;
}

Test(rc_story_other, one_that_is_blocked_with_who_holds_the_lock)
{
    static struct story_other s;
    struct log_text out = {0};
    struct rc_ctx *c = blocked_flow("worker");
    struct rc_blocked_on on = {&mu, "", "mutex", true, ", held for writing", ", 2 wait", 0};
    struct rc_blocked b = {c, "sync.Mutex.Lock", true, 1, "", true, 1, &on};
    story_blocked(&s, &b);
    cr_expect_str_eq(s.type, "goroutine-leak");
    cr_assert_eq(s.n_parts, 2);
    cr_expect_str_eq(s.part[0].title,
                     "Goroutine 8 (worker) is blocked for ever in sync.Mutex.Lock, on mutex 'mu', "
                     "held for writing, 2 wait");
    cr_expect_str_eq(s.part[1].title, "Goroutine 8 (worker) created at");
    story_other_free(&s);
    rc_lock_taken(rc_current(), &mu, RC_LOCK_WRITE, "mutex", here());
    story_blocked(&s, &b);
    cr_assert_eq(s.n_parts, 3);
    cr_expect_str_eq(s.part[0].title,
                     "Goroutine 8 (worker) is blocked for ever in sync.Mutex.Lock, on mutex 'mu', "
                     "2 wait");
    cr_expect_str_eq(s.part[1].title, "The mutex 'mu' is held by main thread, taken at");
    story_other_text(&s, &out);
    cr_expect(strstr(out.buf, "WARNING: GOROUTINE LEAK\nGoroutine 8"), "%s", out.buf);
    story_other_free(&s);
}

Test(rc_story_other, many_that_are_blocked_on_several_objects)
{
    static struct story_other s;
    struct rc_ctx *c = blocked_flow("");
    struct rc_blocked_on on[6];
    for (int i = 0; i < 6; i++)
        on[i] = (struct rc_blocked_on){i % 2 ? &nu : &mu, "room in ",    "chan", false, "",
                                       " (cap 1)",        i ? 0 : here()};
    struct rc_blocked b = {c, "select", false, 4, "9, 12-13", false, 6, on};
    story_blocked(&s, &b);
    cr_assert_eq(s.n_parts, 3);
    cr_expect_str_eq(
        s.part[0].title,
        "Goroutine 8 and 3 more (9, 12-13) are still blocked in select, the first on "
        "room in chan 'mu' (cap 1), or room in chan 'nu' (cap 1), or room in chan 'mu' "
        "(cap 1), or room in chan 'nu' (cap 1), ...");
    cr_expect_str_eq(s.part[1].title, "The chan 'mu' was made at");
    story_other_free(&s);
}
