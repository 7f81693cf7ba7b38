/* test_report.c - whole reports, as text and JSON, from facts made by hand. */
#include "flags.h"
#include "heap.h"
#include "outlet.h"
#include "report.h"
#include "trail.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void __tsan_func_entry(void *retaddr);

static char said[65536]; /* what has come to the log */
static char log_base[64], log_name[96];

static int counter[4];
static int counter_line = __LINE__ - 1;

static int another;

static struct rc_ctx *now, *before;
static struct rc_order_info order;
static int increment_line, hello_line, body_line, start_line;

__attribute__((noinline)) static uintptr_t pc_here(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

__attribute__((noinline)) static uintptr_t increment(void)
{
    increment_line = __LINE__ + 1;
    uintptr_t pc = pc_here();
    __asm__ volatile("" : "+r"(pc)); /* no tail call */
    return pc;
}

__attribute__((noinline)) static uintptr_t say_hello(void)
{
    hello_line = __LINE__ + 1;
    uintptr_t pc = pc_here();
    __asm__ volatile("" : "+r"(pc)); /* no tail call */
    return pc;
}

__attribute__((noinline)) static uintptr_t body(void)
{
    body_line = __LINE__ + 1;
    uintptr_t pc = pc_here();
    __asm__ volatile("" : "+r"(pc)); /* no tail call */
    return pc;
}

__attribute__((noinline)) static uintptr_t start(void)
{
    start_line = __LINE__ + 1;
    uintptr_t pc = pc_here();
    __asm__ volatile("" : "+r"(pc)); /* no tail call */
    return pc;
}

static const char *this_file(void)
{
    static char buf[PATH_MAX];
    struct symbol_frame f;
    symbol_frames((uintptr_t)this_file, &f, 1);
    return trail_file(f.file, buf);
}

/* Begins with these options; the log is a file that slurp() reads. */
static void begin(const char *options)
{
    char env[256];
    snprintf(log_base, sizeof log_base, "/tmp/test_report.%d", (int)getpid());
    snprintf(log_name, sizeof log_name, "%s.%d", log_base, (int)getpid());
    snprintf(env, sizeof env, "log_path=%s atexit_sleep_ms=0 %s", log_base, options);
    setenv("GORACE", env, 1);
    outlet_watches();
    rc_init(NULL);
    struct rc_ctx *main_thread = rc_current();
    struct rc_ctx *first = rc_ctx_make(main_thread, RC_GOROUTINE, 1, start(), NULL, 0);
    before = rc_ctx_make(first, RC_GOROUTINE, 7, start(), NULL, 0);
    now = rc_ctx_make(before, RC_GOROUTINE, 8, start(), NULL, 0);
    rc_ctx_name(now, "worker");
    rc_switch(now);
    __tsan_func_entry((void *)body());
    rc_switch(NULL);
}

static const char *slurp(void)
{
    FILE *f = fopen(log_name, "r");
    size_t n = f ? fread(said, 1, sizeof said - 1, f) : 0;
    said[n] = 0;
    if (f)
        fclose(f);
    unlink(log_name);
    return said;
}

static struct rc_access_info access_of(struct rc_ctx *c, uintptr_t pc, const void *p, bool write)
{
    return (struct rc_access_info){.addr = (uintptr_t)p,
                                   .size = 4,
                                   .write = write,
                                   .by = rc_life_of(c),
                                   .stack = rc_here(c, pc)};
}

static void report(const void *p)
{
    struct rc_access_info a = access_of(now, increment(), p, true);
    struct rc_access_info b = access_of(before, say_hello(), p, false);
    rc_report_race(&a, &b, &order);
}

/* Cuts the columns, which compilers disagree about: "f.c:12:3" becomes "f.c:12". */
static void cut_columns(char *s)
{
    char *to = s;
    while (*s) {
        size_t n = strspn(s, "0123456789");
        if (n && s[n] == ':' && s[n + 1] >= '0' && s[n + 1] <= '9') {
            memmove(to, s, n);
            to += n;
            s += n + 1;
            s += strspn(s, "0123456789");
        } else {
            *to++ = *s++;
        }
    }
    *to = 0;
}

Test(report, text)
{
    char want[4096];
    const char *f;
    begin("");
    report(&counter[1]);
    slurp();
    cut_columns(said);
    f = this_file();
    snprintf(want, sizeof want,
             "==================\n"
             "WARNING: DATA RACE\n"
             "Write at 0x%012llx by goroutine 8 (worker):\n"
             "  increment() %s:%d\n"
             "  body() %s:%d\n"
             "\n"
             "Previous read at 0x%012llx by goroutine 7:\n"
             "  say_hello() %s:%d\n"
             "\n"
             "Location: global 'counter' of 16 bytes, in counter[1], %s:%d\n"
             "\n"
             "Not ordered because:\n"
             "  what goroutine 7 has released since its read is not remembered\n"
             "  before its write, goroutine 8 (worker) had learned nothing from others since it "
             "began\n"
             "\n"
             "Goroutine 8 (running) created at:\n"
             "  start() %s:%d\n"
             "\n"
             "Goroutine 7 (running) created at:\n"
             "  start() %s:%d\n"
             "==================\n",
             (unsigned long long)(uintptr_t)&counter[1], f, increment_line, f, body_line,
             (unsigned long long)(uintptr_t)&counter[1], f, hello_line, f, counter_line, f,
             start_line, f, start_line);
    cr_expect_str_eq(said, want);
}

Test(report, same_lines_are_reported_once)
{
    begin("");
    report(&counter[0]);
    report(&counter[1]);
    cr_expect_eq(rc_report_errors(), 1);
    struct rc_access_info a = access_of(now, increment(), counter, true);
    struct rc_access_info b = access_of(before, say_hello(), counter, true);
    rc_report_race(&b, &a, &order); /* the other way round */
    cr_expect_eq(rc_report_errors(), 1);
    a = access_of(now, body(), counter, true);
    rc_report_race(&a, &b, &order);
    cr_expect_eq(rc_report_errors(), 2, "another line");
    report(&another);
    cr_expect_eq(rc_report_errors(), 3, "another object");
    slurp();
}

Test(report, verdict_at_the_end)
{
    begin("exitcode=33");
    cr_expect_eq(rc_report_fini(0), 0);
    report(counter);
    cr_expect_eq(rc_report_fini(0), 33);
    cr_expect_eq(rc_report_fini(5), 5, "the program's own failure stands");
    slurp();
    const char *at = strstr(said, "Found 1 data race(s)\n");
    cr_assert(at);
    cr_expect_null(strstr(at + 1, "Found"), "said once");
}

Test(report, heap_block_with_its_allocation)
{
    char want[512];
    char *p = malloc(40);
    begin("");
    heap_add((uintptr_t)p, 40, rc_here(before, say_hello()), rc_life_of(before));
    report(p + 8);
    slurp();
    cut_columns(said);
    snprintf(
        want, sizeof want,
        "Location: heap block of 40 bytes at 0x%012llx, offset 8, allocated by goroutine 7 at:\n"
        "  say_hello() %s:%d\n",
        (unsigned long long)(uintptr_t)p, this_file(), hello_line);
    cr_expect(strstr(said, want), "%s", said);
}

Test(report, locks_held_on_both_sides)
{
    static char mu;
    begin("");
    struct rc_access_info a = access_of(now, increment(), counter, true);
    struct rc_access_info b = access_of(before, say_hello(), counter, true);
    a.locks_known = b.locks_known = true;
    a.n_locks = 1;
    a.lock[0] = (struct rc_held_lock){&mu, "rwmutex", false, .taken_at = rc_here(now, increment())};
    rc_report_race(&a, &b, &order);
    slurp();
    cr_expect(
        strstr(said, "Locks held:\n  by goroutine 8 (worker): rwmutex 'mu' for reading (taken at "),
        "%s", said);
    cr_expect(strstr(said, "\n  by goroutine 7: none\n"), "%s", said);
}

static struct {
    struct go_lock {
        int state_;
    } mu;
    struct go_lock of[2];
} pool;

Test(report, locks_in_structures)
{
    begin("");
    struct rc_access_info a = access_of(now, increment(), counter, true);
    struct rc_access_info b = access_of(before, say_hello(), counter, true);
    a.locks_known = b.locks_known = true;
    a.n_locks = 2;
    a.lock[0] =
        (struct rc_held_lock){&pool.mu, "mutex", true, .taken_at = rc_here(now, increment())};
    a.lock[1] =
        (struct rc_held_lock){&pool.of[1], "mutex", true, .taken_at = rc_here(now, increment())};
    rc_report_race(&a, &b, &order);
    slurp();
    cr_expect(strstr(said, "by goroutine 8 (worker): mutex 'pool.mu' (taken at "), "%s", said);
    cr_expect(strstr(said, "), mutex 'pool.of[1]' (taken at "), "%s", said);
    cr_expect(strstr(said, "mutex 'pool.mu' would have ordered them, had goroutine 7 held it"),
              "%s", said);
}

Test(report, names_of_flows)
{
    begin("");
    struct rc_ctx *t = rc_ctx_make(NULL, RC_THREAD, 3, start(), NULL, 0);
    struct rc_ctx *g1 = rc_ctx_make(NULL, RC_GOROUTINE, 1, start(), NULL, 0);
    struct rc_access_info a = access_of(t, increment(), counter, true);
    struct rc_access_info b = access_of(g1, say_hello(), counter, true);
    a.free = b.atomic = true;
    rc_ctx_end(t);
    rc_report_race(&a, &b, &order);
    slurp();
    cr_expect(strstr(said, "Write (free) at 0x") && strstr(said, " by thread T3:\n"), "%s", said);
    cr_expect(strstr(said, "Previous write (atomic) at 0x") &&
              strstr(said, " by main goroutine:\n"));
    cr_expect(strstr(said, "Thread T3 (finished) created at:\n"));
    cr_expect_null(strstr(said, "Goroutine 1 "), "nobody asks where it came from");
}

Test(report, suppressed)
{
    char path[96], options[128];
    snprintf(path, sizeof path, "/tmp/test_report_s.%d", (int)getpid());
    FILE *f = fopen(path, "w");
    fputs("race:^say_hello$\n", f);
    fclose(f);
    snprintf(options, sizeof options, "suppressions=%s", path);
    begin(options);
    unlink(path);
    report(counter);
    cr_expect_eq(rc_report_errors(), 0);
    cr_expect_eq(rc_report_fini(0), 0);
    struct rc_access_info a = access_of(now, increment(), counter, true);
    struct rc_access_info b = access_of(before, start(), counter, true);
    rc_report_race(&a, &b, &order);
    cr_expect_eq(rc_report_errors(), 1);
    slurp();
    cr_expect_null(strstr(said, "say_hello"));
}

static void report_use(const void *p, bool free_again)
{
    struct rc_access_info a = access_of(now, increment(), p, true);
    struct rc_access_info b = access_of(before, say_hello(), p, true);
    a.free = free_again;
    b.free = true;
    rc_report_use(&a, &b);
}

Test(report, a_use_after_free_and_a_second_free_of_the_same_line_are_two)
{
    begin("exitcode=33");
    report_use(counter, false);
    report_use(counter, false);
    report_use(counter, true);
    cr_expect_eq(rc_report_errors(), 0, "they are no races");
    cr_expect_eq(rc_report_fini(0), 33);
    slurp();
    cr_expect(strstr(said, "WARNING: HEAP USE AFTER FREE\n"), "%s", said);
    cr_expect(strstr(said, "WARNING: DOUBLE FREE\n"), "%s", said);
    cr_expect(strstr(said, "Found 2 use(s) after free\n"), "%s", said);
    cr_expect_null(strstr(said, "Not ordered"));
}

Test(report, two_frees_that_race)
{
    begin("exitcode=33");
    struct rc_access_info a = access_of(now, increment(), counter, true);
    struct rc_access_info b = access_of(before, say_hello(), counter, true);
    a.free = b.free = true;
    rc_report_race(&a, &b, &order);
    cr_expect_eq(rc_report_errors(), 1, "it is a race");
    cr_expect_eq(rc_report_fini(0), 33);
    slurp();
    cr_expect(strstr(said, "WARNING: DOUBLE FREE (raced)\n"), "%s", said);
    cr_expect(strstr(said, "Found 1 data race(s)\n"), "%s", said);
    cr_expect(strstr(said, "Not ordered"));
}

/* Loads a file with this line of suppressions. */
static void begin_suppressing(const char *line)
{
    char path[96], options[160];
    snprintf(path, sizeof path, "/tmp/test_report_s.%d", (int)getpid());
    FILE *f = fopen(path, "w");
    cr_assert(f && fprintf(f, "%s\n", line) > 0 && fclose(f) == 0);
    snprintf(options, sizeof options, "report_thread_leaks=1 suppressions=%s", path);
    begin(options);
    unlink(path);
}

Test(report, uses_after_free_are_suppressed_as_races_are)
{
    begin_suppressing("race:^say_hello$");
    report_use(counter, false);
    report_use(counter, true);
    cr_expect_eq(rc_report_fini(0), 0);
    cr_expect_str_eq(slurp(), "");
}

/* ---- what the host is told ---- */

static struct rc_race told;
static uintptr_t told_pcs[2];
static unsigned told_n;

static void on_race(const struct rc_race *race)
{
    told = *race;
    told_pcs[0] = race->now.n_pcs ? race->now.pcs[0] : 0;
    told_pcs[1] = race->before.n_pcs ? race->before.pcs[0] : 0;
    told_n++;
}

static const struct rc_host telling = {.on_race = on_race};

Test(report, the_host_is_told_both_sides_of_each_race_that_is_reported)
{
    begin("");
    rc_init(&telling);
    struct rc_access_info a = access_of(now, increment(), &counter[1], true);
    struct rc_access_info b = access_of(before, say_hello(), &counter[1], false);
    b.after = 10;
    b.until = 20;
    rc_report_race(&a, &b, &order);
    cr_assert_eq(told_n, 1);
    cr_assert(told.now.kind == RC_GOROUTINE && told.now.id == 8 && told.before.id == 7);
    cr_assert(told.now.addr == (uintptr_t)&counter[1] && told.now.size == 4);
    cr_assert(told.now.write && !told.before.write && !told.before.free && !told.now.atomic);
    cr_assert_eq(told.now.n_pcs, 2, "increment and body");
    cr_assert_eq(told.before.n_pcs, 1);
    cr_assert(told_pcs[0] == increment() && told_pcs[1] == say_hello());
    cr_assert(told.after == 10 && told.until == 20);
    report(&counter[1]);
    cr_assert_eq(told_n, 1, "the same lines again");
    slurp();
}

static void end_here(const struct rc_race *race)
{
    (void)race;
    unlink(log_name);
    _exit(7);
}

Test(report, the_host_is_told_before_the_program_halts, .exit_code = 7)
{
    static const struct rc_host ending = {.on_race = end_here};
    begin("halt_on_error=1");
    rc_init(&ending);
    report(&counter[1]);
}

static void never(const struct rc_race *race)
{
    (void)race;
    cr_assert_fail("told of a race that is suppressed");
}

Test(report, the_host_is_not_told_of_what_is_suppressed)
{
    static const struct rc_host host = {.on_race = never};
    begin_suppressing("race:^increment$");
    rc_init(&host);
    report(&counter[1]);
    slurp();
}

static void leak_a_thread(void)
{
    struct rc_flow_id id = {.kind = RC_THREAD, .id = 3, .created_at = rc_here(before, say_hello())};
    rc_report_thread_leak(&id);
}

Test(report, thread_leaks_are_suppressed_by_lines_of_their_own)
{
    begin_suppressing("thread:^say_hello$");
    leak_a_thread();
    cr_expect_eq(rc_report_fini(0), 0);
    report(counter);
    cr_expect_eq(rc_report_errors(), 1, "races are not");
    slurp();
    cr_expect_null(strstr(said, "LEAK"), "%s", said);
}

Test(report, a_thread_leak_counts_for_the_exit_code)
{
    begin_suppressing("race:^say_hello$");
    leak_a_thread();
    cr_expect_eq(rc_report_errors(), 0);
    cr_expect_eq(rc_report_fini(0), 66);
    cr_expect(strstr(slurp(), "WARNING: THREAD LEAK"), "%s", said);
}

static void fingerprint(char out[17])
{
    const char *at = strstr(slurp(), "\"fingerprint\":\"");
    cr_assert(at, "%s", said);
    memcpy(out, at + 15, 16);
    out[16] = 0;
}

Test(report, json_is_one_line_with_all_facts)
{
    begin("format=json");
    report(&counter[2]);
    slurp();
    static const char *const facts[] = {
        "{\"type\":\"race\",",
        "\"number\":1,",
        "{\"kind\":\"write\",\"atomic\":false,\"address\":\"0x",
        "\"by\":{\"kind\":\"goroutine\",\"id\":8,\"name\":\"worker\",\"main\":false}",
        "\"function\":\"increment\",\"file\":\"",
        "\"kind\":\"read\"",
        "\"location\":{\"kind\":\"global\",\"name\":\"counter\",\"part\":\"[2]\"",
        "\"size\":16,\"offset\":8",
        "\"state\":\"running\",\"created_at\":[{\"function\":\"start\"",
        "\"locks\":null",
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        cr_expect(strstr(said, facts[i]), "%s in %s", facts[i], said);
    cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "one line");
    rc_report_fini(0);
    slurp();
}

Test(report, fingerprint_knows_neither_order_nor_address)
{
    char one[17], two[17];
    begin("format=json");
    struct rc_access_info a = access_of(now, increment(), counter, true);
    struct rc_access_info b = access_of(before, say_hello(), counter, false);
    pid_t child = fork(); /* each process makes one report */
    if (child == 0) {
        rc_report_race(&a, &b, &order);
        _exit(0); /* libc's own: no verdict is wanted here */
    }
    waitpid(child, NULL, 0);
    snprintf(log_name, sizeof log_name, "%s.%d", log_base, (int)child);
    fingerprint(one);
    snprintf(log_name, sizeof log_name, "%s.%d", log_base, (int)getpid());
    a.addr = b.addr = (uintptr_t)&counter[3];
    rc_report_race(&b, &a, &order);
    fingerprint(two);
    cr_expect_str_eq(one, two);
}

Test(report, file_names)
{
    static const struct {
        const char *path, *shown;
    } t[] = {
        {"/a/b.c", "/a/b.c"},
        {"/a/./b.c", "/a/b.c"},
        {"/a/x/../b.c", "/a/b.c"},
        {"/a/x/y/../../b.c", "/a/b.c"},
        {"b.c", "b.c"},
        {"./b.c", "b.c"},
        {"../b.c", "../b.c"},
        {"../../b.c", "../../b.c"},
        {"x/../b.c", "b.c"},
        {"/a//b.c", "/a/b.c"},
        {"/strip/me/b.c", "b.c"},
    };
    char buf[PATH_MAX], here[PATH_MAX + 8];
    begin("strip_path_prefix=/strip/me/");
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        cr_expect_str_eq(trail_file(t[i].path, buf), t[i].shown);
    cr_expect_str_eq(trail_file(NULL, buf), "?");
    cr_assert(getcwd(here, PATH_MAX));
    strcat(here, "/c/d.c");
    cr_expect_str_eq(trail_file(here, buf), "c/d.c");
    cr_expect_str_eq(trail_whole_file(here, buf), here);
}
