/* test_rc_story_why.c - the sentences of "Not ordered because", from facts made by hand. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctx.h"
#include "fds.h"
#include "heap.h"
#include "story.h"

static struct rc_ctx *now, *before;
static struct rc_access_info a, b;
static struct rc_order_info order;
static struct location where;
static struct story s;
static char mu, nu;
static char *heap;

__attribute__((noinline)) static uintptr_t pc_here(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

__attribute__((noinline)) static rc_site somewhere(struct rc_ctx *c)
{
    rc_site site = rc_here(c, pc_here());
    __asm__ volatile("" : "+r"(site)); /* no tail call */
    return site;
}

static void begin(enum rc_kind kind)
{
    rc_init(NULL);
    now = rc_ctx_make(NULL, RC_GOROUTINE, 8, 1, NULL, 0);
    before = rc_ctx_make(NULL, kind, 7, 1, NULL, 0);
    a = (struct rc_access_info){.write = true, .by = rc_life_of(now), .locks_known = true};
    b = (struct rc_access_info){.by = rc_life_of(before), .locks_known = true};
    order = (struct rc_order_info){.known = true, .all_since = true};
}

static void released(unsigned i, enum rc_event_kind kind, const void *obj)
{
    order.since[i] = (struct rc_event){kind, obj, somewhere(before)};
    order.n_since = i + 1;
}

static void expect(size_t n, const char *first, const char *second, const char *third)
{
    const char *want[] = {first, second, third};
    s = (struct story){.access = {{.info = &a}, {.info = &b}}, .location = where};
    story_why(&s, &order);
    cr_assert_eq(s.n_why, n, "%zu sentences: %s", s.n_why, s.why[n]);
    for (size_t i = 0; i < n; i++)
        cr_expect(strncmp(s.why[i], want[i], strlen(want[i])) == 0, "%s", s.why[i]);
}

Test(rc_story_why, nothing_was_released_and_nothing_learned)
{
    begin(RC_GOROUTINE);
    expect(2, "goroutine 7 has released nothing since its read",
           "before its write, goroutine 8 had learned nothing from others since it began", "");
}

Test(rc_story_why, what_is_not_known_is_not_said)
{
    begin(RC_GOROUTINE);
    order.known = false;
    expect(2, "what goroutine 7 has released since its read is not remembered", "", "");
}

Test(rc_story_why, a_release_and_an_acquire_of_different_objects)
{
    begin(RC_GOROUTINE);
    released(0, RC_EVENT_RELEASE, &mu);
    order.learned = (struct rc_event){RC_EVENT_ACQUIRE, &nu, somewhere(now)};
    expect(2, "after its read, goroutine 7 released 'mu' at ",
           "before its write, goroutine 8 last acquired 'nu' at ", "");
    cr_expect(strstr(s.why[0], "test_rc_story_why.c:"), "%s", s.why[0]);
    cr_expect(strstr(s.why[0], " in somewhere()"), "%s", s.why[0]);
}

Test(rc_story_why, only_the_latest_releases_are_kept)
{
    begin(RC_GOROUTINE);
    released(0, RC_EVENT_STORE, &mu);
    order.all_since = false;
    expect(2, "after its read, goroutine 7, among other things, released atomic 'mu' at ", "", "");
}

Test(rc_story_why, the_same_object_too_early)
{
    begin(RC_GOROUTINE);
    released(0, RC_EVENT_RELEASE, &nu);
    released(1, RC_EVENT_RELEASE, &mu);
    order.learned = order.shared = (struct rc_event){RC_EVENT_ACQUIRE, &mu, somewhere(now)};
    order.shared_with = 1;
    expect(3, "after its read, goroutine 7 released 'mu' at ",
           "before its write, goroutine 8 last acquired 'mu' at ",
           "both use 'mu', but goroutine 8 acquired it at ");
}

Test(rc_story_why, a_relaxed_load_of_what_was_released)
{
    begin(RC_GOROUTINE);
    released(0, RC_EVENT_STORE, &mu);
    order.shared = (struct rc_event){RC_EVENT_PEEK, &mu, somewhere(now)};
    order.peeked = true;
    expect(3, "after its read, goroutine 7 released atomic 'mu' at ", "before its write",
           "goroutine 8 read atomic 'mu' at ");
    cr_expect(strstr(s.why[2], "acquire would have ordered them"), "%s", s.why[2]);
}

Test(rc_story_why, a_lock_of_one_side)
{
    begin(RC_GOROUTINE);
    b.lock[b.n_locks++] = (struct rc_held_lock){&nu, "rwmutex", true, .taken_at = 1};
    expect(3, "", "",
           "rwmutex 'nu' would have ordered them, had goroutine 8 held it at its write too");
    a.lock[a.n_locks++] = (struct rc_held_lock){&mu, "mutex", true, .taken_at = 1};
    expect(3, "", "",
           "mutex 'mu' would have ordered them, had goroutine 7 held it at its read too");
    a.n_locks = b.n_locks = 0;
    a.lock[a.n_locks++] = (struct rc_held_lock){&mu, "once", true, .taken_at = 1};
    expect(2, "", "", "");
    a.lock[a.n_locks++] = (struct rc_held_lock){&nu, "mutex", true, .taken_at = 1};
    expect(3, "", "", "mutex 'nu' would have ordered them");
    b.locks_known = false;
    expect(2, "", "", "");
}

Test(rc_story_why, who_ends_a_lock_is_not_told_to_hold_it)
{
    begin(RC_GOROUTINE);
    b.lock[b.n_locks++] = (struct rc_held_lock){&mu, "mutex", true, .taken_at = 1};
    a.addr = (uintptr_t)&mu;
    expect(2, "", "", "");
    a.addr = (uintptr_t)&mu + 1;
    expect(3, "", "", "mutex 'mu' would have ordered them");
    where.kind = LOCATION_HEAP;
    where.block = (struct heap_block){.start = (uintptr_t)&mu - 8, .size = 9};
    expect(3, "", "", "mutex 'mu' would have ordered them");
    a.free = true;
    expect(2, "", "", "");
    where.block.size = 8;
    expect(3, "", "", "mutex 'mu' would have ordered them");
}

Test(rc_story_why, each_had_a_lock_of_its_own)
{
    begin(RC_GOROUTINE);
    char *copies[2];
    for (int i = 0; i < 2; i++) {
        copies[i] = malloc(40);
        heap_add((uintptr_t)copies[i], 40, 1, NULL);
    }
    a.lock[a.n_locks++] = (struct rc_held_lock){copies[0] + 8, "mutex", true, .taken_at = 1};
    b.lock[b.n_locks++] = (struct rc_held_lock){copies[1] + 8, "mutex", true, .taken_at = 1};
    expect(3, "", "", "each held a mutex at offset 8 of a heap block of 40 bytes of its own: one");
    b.lock[0].lock = copies[1] + 16;
    expect(3, "", "", "mutex at offset 8 of a heap block of 40 bytes would have ordered them, had");
    for (int i = 0; i < 2; i++)
        free(copies[i]);
}

Test(rc_story_why, a_goroutine_started_after_the_access)
{
    begin(RC_GOROUTINE);
    released(0, RC_EVENT_START, rc_flow_name(RC_THREAD, 9));
    expect(2, "after its read, goroutine 7 started thread T9 at ", "", "");
}

Test(rc_story_why, the_end_of_a_thread_that_nobody_joined)
{
    begin(RC_THREAD);
    released(0, RC_EVENT_RELEASE, &mu);
    order.since[0].site = 0;
    expect(3, "after its read, thread T7 released nothing before its end", "",
           "joining thread T7 before that write would have ordered them");
}

Test(rc_story_why, objects_are_named_by_what_they_lie_in)
{
    static struct {
        int n;
        char lock;
    } global;
    char name[128];
    rc_init(NULL);
    story_object_name(&global, 0, name, sizeof name);
    cr_expect_str_eq(name, "'global.n'");
    story_object_name(&global.lock, 0, name, sizeof name);
    cr_expect_str_eq(name, "'global.lock'");
    heap = malloc(40);
    heap_add((uintptr_t)heap, 40, 1, NULL);
    story_object_name(heap + 8, 0, name, sizeof name);
    cr_expect_str_eq(name, "at offset 8 of a heap block of 40 bytes");
    free(heap);
    story_object_name((void *)0x1234, 0, name, sizeof name);
    cr_expect_str_eq(name, "0x000000001234");
}

struct go_lock {
    int state_;
};
struct pool {
    struct go_lock mu;
    int n;
    struct go_lock of[3];
};

__attribute__((noinline)) static rc_site used_here(struct pool *p)
{
    rc_site site = rc_here(now, pc_here());
    __asm__ volatile("" : "+r"(site) : "r"(p) : "memory");
    return site;
}

Test(rc_story_why, locks_are_named_by_field_and_index)
{
    static struct pool pools[2];
    char name[128], want[128];
    begin(RC_GOROUTINE);
    story_object_name(&pools[1].mu, 0, name, sizeof name);
    cr_expect_str_eq(name, "'pools[1].mu'");
    story_object_name(&pools[0].of[2], 0, name, sizeof name);
    cr_expect_str_eq(name, "'pools[0].of[2]'");
    struct pool *p = malloc(sizeof *p);
    heap_add((uintptr_t)p, sizeof *p, 1, NULL);
    story_object_name(&p->mu, used_here(p), name, sizeof name);
    snprintf(want, sizeof want, "'struct pool.mu' at 0x%012llx", (unsigned long long)(uintptr_t)p);
    cr_expect_str_eq(name, want);
    story_object_name(&p->of[1], used_here(p), name, sizeof name);
    cr_expect(strncmp(name, "'struct pool.of[1]' at ", 23) == 0, "%s", name);
    story_object_name(&p->of[1], 0, name, sizeof name);
    cr_expect_str_eq(name, "at offset 12 of a heap block of 20 bytes", "nobody says what it is");
    free(p);
}

static const void *last_released(const struct rc_ctx *c)
{
    const struct journal *j = &c->journal;
    return j->e[0][(j->n[0] - 1) % JOURNAL_KEPT].obj;
}

Test(rc_story_why, descriptors_are_named_by_number)
{
    int fd[2];
    char name[128], expected[128];
    rc_init(NULL);
    cr_assert_eq(pipe(fd), 0);
    fds_pair(fd[0], fd[1]);
    rc_fd_sends(rc_current(), fd[1]);
    const void *obj = last_released(rc_current());
    story_object_name(obj, 0, name, sizeof name);
    snprintf(expected, sizeof expected, "descriptors %d and %d", fd[0], fd[1]);
    cr_expect_str_eq(name, expected);
    rc_fd_closes(rc_current(), fd[0]);
    story_object_name(obj, 0, name, sizeof name);
    snprintf(expected, sizeof expected, "descriptor %d", fd[1]);
    cr_expect_str_eq(name, expected);
    rc_fd_closes(rc_current(), fd[1]);
    story_object_name(obj, 0, name, sizeof name);
    cr_expect_str_eq(name, "a descriptor that is closed now");
}

Test(rc_story_why, objects_of_the_detector_have_the_names_that_they_were_given)
{
    static uint64_t clocks[3];
    char name[128];
    rc_init(NULL);
    rc_name_objects(clocks, sizeof clocks, "a timer");
    story_object_name(&clocks[2], 0, name, sizeof name);
    cr_expect_str_eq(name, "a timer");
    story_object_name(&rc_nobody, 0, name, sizeof name);
    cr_expect_str_eq(name, "", "one without a name is not shown");
}
