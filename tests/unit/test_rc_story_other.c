/* test_rc_story_other.c - reports of inversions and misuse, as text and JSON. */
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
        c.edge[i].held = (struct rc_held_lock){i ? &mu : &nu, "mutex", true, 1};
        c.edge[i].taken = (struct rc_held_lock){i ? &nu : &mu, "mutex", true, 1};
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
