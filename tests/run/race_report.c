/* What a report of a race says beside its two stacks: what the address is, who held which locks,
 * why there is no order, who created whom. */
// only: race
// exit: 66
// env: GORACE=atexit_sleep_ms=0
// case: different-locks
// stderr: Location: global 'stats' of 264 bytes, in stats\.table\[2\]\[3\], .*:@stats
// stderr: Locks held:
// stderr:   by goroutine 3: mutex 'theirs' \(taken at .*race_report\.c:@theirs\)
// stderr:   by goroutine 2: mutex 'ours' \(taken at .*race_report\.c:@ours\)
// stderr: Not ordered because:
// stderr:   after its write, goroutine 2 released 'ours' by go_mutex_unlock\(\) at .*:@unlock in .*
// stderr:   before its (read|write), goroutine 3 had learned nothing from others since it began
// stderr:   mutex 'theirs' would have ordered them, had goroutine 2 held it at its write too
// stderr: Goroutine 3 \((running|finished)\) created at:
// stderr: Goroutine 2 \((running|finished)\) created at:
// case: outside-the-lock
// stderr: Locks held: none
// stderr:   after its write, goroutine 2 released 'ours' by go_mutex_unlock\(\) at .*
// stderr:   before its write, main goroutine last acquired 'ours' by go_mutex_lock.*:@early.*
// stderr:   both use 'ours', but main goroutine acquired it at .*:@early in .* before gor.*
// case: readers-too
// stderr:   by main goroutine: rwmutex 'rw' for reading \(taken at .*\)
// stderr:   by goroutine 2: none
// stderr:   rwmutex 'rw' would have ordered them, had goroutine 2 held it at its write too
// case: heap
// stderr: Location: heap block of 96 bytes at 0x[0-9a-f]+, offset 38, allocated by main gor.* at:
// stderr:   heap\(\) .*race_report\.c:@calloc:\d+
// stderr:   used as struct node\[\], in \[1\]\.range\.hi
// stderr:   goroutine 2 has released nothing since its write
// case: heap-of-a-typedef
// stderr: Location: heap block of 8 bytes at 0x[0-9a-f]+, offset 4, allocated by main gor.* at:
// stderr:   used as tally_t, in \.count
// stderr:   by main goroutine: mutex 'tally_t\.mu' at 0x[0-9a-f]+ \(taken at .*:@tally\)
// case: heap-of-numbers
// stderr: Location: heap block of 8 bytes at 0x[0-9a-f]+, offset 4, allocated by main gor.* at:
// stderr-not: .*used as.*
// case: heap-beside-a-library-type
// stderr: Location: heap block of 8 bytes at 0x[0-9a-f]+, offset 0, allocated by main gor.* at:
// stderr-not: .*used as.*
// case: locks-in-structures
// stderr:   by main goroutine: mutex 'struct pool\.mu' at 0x[0-9a-f]+ \(taken at .*:@pool\)
// stderr:   by goroutine 2: mutex 'pools\[1\]\.mu' \(taken at .*:@pools\)
// stderr:   after its write, goroutine 2 released 'pools\[1\]\.mu' by go_mutex_unlock\(\) at .*
// stderr:   mutex 'struct pool\.mu' at 0x[0-9a-f]+ would have ordered them, had goroutine 2 .*
// case: stack
// stderr: Location: stack variable 'here' of 12 bytes, in here\.v, of stack\(\), .*:@here, on .*
// case: array-on-stack
// stderr: Location: stack variable 'row' of 64 bytes, in row\[5\], of array_on_stack\(\), .*
// case: relaxed
// stderr:   after its write, goroutine 2 released atomic 'ready' at .*:@ready in sets_ready\(\)
// stderr:   main goroutine read atomic 'ready' at .*:@relaxed in relaxed\(\) with an order .*
// case: channel
// stderr:   goroutine 2 has released nothing since its write
// stderr:   before its write, main goroutine last acquired by go_chan_recv\(\) at .*:@recv in .*
// case: closed-channel
// stderr: Write at 0x[0-9a-f]+ by main goroutine:
// stderr:   closed_channel\(\) .*:@close:\d+
// stderr: Previous read at 0x[0-9a-f]+ by goroutine 2:
// stderr: Location: chan 0x[0-9a-f]+ \(cap 4, len 1\), made at:
// stderr:   closed_channel\(\) .*:@made:\d+
// case: thread
// stderr: Write at 0x[0-9a-f]+ by main goroutine:
// stderr: Previous write at 0x[0-9a-f]+ by thread T1:
// stderr:   after its write, thread T1 released nothing before its end
// stderr:   joining thread T1 before that write would have ordered them
// case: ancestry
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 4:
// stderr: Goroutine 4 \((running|finished)\) created at:
// stderr:   child\(\) .*
// stderr: Goroutine 3 \((running|finished)\) created at:
// stderr:   child\(\) .*
// stderr: Goroutine 2 \((running|finished)\) created at:
// stderr:   ancestry\(\) .*
// case: inlined
// stderr:   set\(\) .*race_report\.c:@set:\d+
// stderr:   set_both\(\) .*race_report\.c:@both:\d+
// stderr:   inlined\(\) .*
// case: deferred-done
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 2:
// stderr:   is_done\(\) .*:@counted:\d+
// stderr:   after its write, goroutine 2 released 'group' by a deferred go_waitgroup_done\(\) at .*
// case: add-beside-wait
// stderr: Write at 0x[0-9a-f]+ by main goroutine:
// stderr: Previous read at 0x[0-9a-f]+ by goroutine 2:
// stderr:   adds_itself\(\) .*:@adds:\d+
// stderr:   go_waitgroup_wait\(\) may return before that go_waitgroup_add\(\): add before .*
// case: deferred-write
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 2:
// stderr:   writes_number\(\) .*:@number:\d+
// stderr:   defers_a_write\(\) .*
// stderr:   calls_what_defers\(\) .*:@defers:\d+
// case: deferred-memset
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 2:
// stderr:   defers_memset\(\) .*
// stderr-not:   switch_.*
// case: deferred-until-panic
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 2:
// stderr:   writes_number\(\) .*:@number:\d+
// stderr:   panics\(\) .*:@panics:\d+
// stderr:   recovers\(\) .*:@recovers:\d+
// stderr:   calls_what_recovers\(\) .*:@calls:\d+
// stderr: Read at 0x[0-9a-f]+ by goroutine 2:
// stderr:   calls_what_recovers\(\) .*:@after:\d+
// case: function-of-the-library
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 2:
// stderr:   memset\(\) .*
// stderr-not:   switch_.*
// case: close-as-a-goroutine
// stderr: Previous write at 0x[0-9a-f]+ by goroutine 2:
// stderr:   go_chan_close\(\) .*
// stderr:   after its write, goroutine 2 released by go_chan_close\(\)
// case: main-has-returned
// stderr:   after its write, main goroutine returned from go_main\(\)
#include "expect.h"
#include <goshawk/race.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define FRAME static __attribute__((noinline))

struct node {
    int id;
    struct {
        short lo, hi;
    } range;
    struct node *next;
    char name[16];
};

struct point {
    int x, y;
};

/* Of the same size. */
typedef struct {
    go_mutex mu;
    int count;
} tally_t;

struct pool {
    go_mutex mu;
    int free;
};
static struct pool pools[2];

struct {
    int hits;
    long table[4][8];
} stats; // @stats

static go_mutex ours, theirs;
static go_rwmutex rw;
static atomic_int ready;
int word;

/* Order that the detector does not see. */
static atomic_int step;

static void step_to(int n)
{
    go_race_disable();
    while (atomic_load(&step) != n - 1)
        go_yield();
    atomic_store(&step, n);
    go_race_enable();
}

FRAME void writes_under_ours(void)
{
    go_mutex_lock(&ours); // @ours
    stats.table[2][3] = 1;
    go_mutex_unlock(&ours); // @unlock
    step_to(1);
}

FRAME void writes_under_theirs(void)
{
    step_to(2);
    go_mutex_lock(&theirs); // @theirs
    stats.table[2][3] = 2;
    go_mutex_unlock(&theirs);
    step_to(3);
}

FRAME void different_locks(void)
{
    go(writes_under_ours);
    go(writes_under_theirs);
    step_to(4);
}

FRAME void writes_before_the_lock(void)
{
    step_to(2);
    word = 1;
    go_mutex_lock(&ours);
    go_mutex_unlock(&ours);
    step_to(3);
}

FRAME void only_unlocks(void)
{
    go_mutex_lock(&ours);
    go_mutex_unlock(&ours);
}

FRAME void outside_the_lock(void)
{
    only_unlocks();
    go(writes_before_the_lock);
    go_mutex_lock(&ours); // @early
    go_mutex_unlock(&ours);
    step_to(1);
    step_to(4);
    word = 2;
}

FRAME void writes_word(void)
{
    word = 1;
    step_to(1);
}

FRAME void readers_too(void)
{
    go(writes_word);
    step_to(2);
    go_rwmutex_rlock(&rw);
    EXPECT(word == 1);
    go_rwmutex_runlock(&rw);
}

FRAME void writes_node(struct node *n)
{
    n[1].range.hi = 3;
    step_to(1);
}

FRAME void heap(void)
{
    struct node *list = calloc(3, sizeof *list); // @calloc
    go(writes_node, list);
    step_to(2);
    list[1].range.hi = 4;
}

FRAME void adds(tally_t *t, const struct point *by)
{
    t->count += by->x;
    step_to(1);
}

FRAME void adds_under(tally_t *t, const struct point *by)
{
    go_mutex_lock(&t->mu); // @tally
    t->count += by->x;
    go_mutex_unlock(&t->mu);
}

FRAME void heap_of_a_typedef(void)
{
    static const struct point one = {1, 1};
    tally_t *t = calloc(1, sizeof *t);
    go(adds, t, &one);
    step_to(2);
    adds_under(t, &one);
}

FRAME void adds_to_second(int *row, const struct point *by)
{
    row[1] += by->x;
    step_to(1);
}

FRAME void heap_of_numbers(void)
{
    static const struct point one = {1, 1};
    int *row = calloc(2, sizeof *row);
    go(adds_to_second, row, &one);
    step_to(2);
    row[1] = 4;
}

FRAME void writes_first(void *any, go_waitgroup *wg)
{
    *(int *)any = 1;
    go_waitgroup_done(wg);
    step_to(1);
}

FRAME void heap_beside_a_library_type(void)
{
    static go_waitgroup wg;
    void *any = calloc(1, sizeof wg);
    go_waitgroup_add(&wg, 1);
    go(writes_first, any, &wg);
    step_to(2);
    *(int *)any = 2;
}

FRAME void writes_under_one_of_two(void)
{
    go_mutex_lock(&pools[1].mu); // @pools
    word = 1;
    go_mutex_unlock(&pools[1].mu);
    step_to(1);
}

FRAME void writes_under(struct pool *p)
{
    go_mutex_lock(&p->mu); // @pool
    word = 2;
    go_mutex_unlock(&p->mu);
}

FRAME void locks_in_structures(void)
{
    struct pool *p = calloc(1, sizeof *p);
    go(writes_under_one_of_two);
    step_to(2);
    writes_under(p);
    free(p);
}

FRAME void writes_int(int *p)
{
    *p = 7;
    step_to(1);
}

FRAME void stack(void)
{
    struct {
        char c[5];
        int v;
    } here = {.v = 0}; // @here
    go(writes_int, &here.v);
    step_to(2);
    here.v++;
    __asm__ volatile("" : : "r"(&here) : "memory");
}

FRAME void array_on_stack(void)
{
    int row[16];
    go(writes_int, &row[5]);
    step_to(2);
    row[5] = 2;
    __asm__ volatile("" : : "r"(row) : "memory");
}

FRAME void sets_ready(void)
{
    word = 1;
    atomic_store_explicit(&ready, 1, memory_order_release); // @ready
    step_to(1);
}

FRAME void relaxed(void)
{
    go(sets_ready);
    step_to(2);
    EXPECT(atomic_load_explicit(&ready, memory_order_relaxed) == 1); // @relaxed
    word = 2;
}

FRAME void sends_too_early(go_chan(int) c)
{
    go_chan_send(c, 1);
    word = 1;
    step_to(1);
}

FRAME void channel(void)
{
    go_chan(int) c = go_chan_make(int, 0);
    go(sends_too_early, c);
    EXPECT(go_chan_recv(c) == 1); // @recv
    step_to(2);
    word = 2;
    go_chan_free(c);
}

FRAME void sends_and_tells(go_chan(int) c)
{
    go_chan_send(c, 1);
    step_to(1);
}

FRAME void closed_channel(void)
{
    go_chan(int) c = go_chan_make(int, 4); // @made
    go(sends_and_tells, c);
    step_to(2);
    go_chan_close(c); // @close
}

static atomic_int thread_id;

static void *thread_writes(void *unused)
{
    word = 1;
    atomic_store_explicit(&thread_id, (int)syscall(SYS_gettid), memory_order_relaxed);
    return unused;
}

FRAME void thread(void)
{
    pthread_t t;
    char path[64];
    int id = 0;
    pthread_create(&t, NULL, thread_writes, NULL);
    do { /* until it has ended, but not by a join */
        id = atomic_load_explicit(&thread_id, memory_order_relaxed);
        snprintf(path, sizeof path, "/proc/self/task/%d", id);
    } while (id == 0 || access(path, F_OK) == 0);
    word = 2;
    pthread_join(t, NULL);
}

FRAME void child(int left)
{
    if (left > 0)
        go(child, left - 1);
    else
        writes_word();
    step_to(4 - left);
}

FRAME void ancestry(void)
{
    go(child, 2);
    step_to(5);
    word = 2;
}

static inline __attribute__((always_inline)) void set(int *p)
{
    *p = 2; // @set
}

static inline __attribute__((always_inline)) void set_both(int *p)
{
    set(p); // @both
}

FRAME void inlined(void)
{
    go(writes_word);
    step_to(2);
    set_both(&word);
}

static go_waitgroup group;

FRAME void is_done(void)
{
    go_defer(go_waitgroup_done, &group);
    word = 1; // @counted
}

FRAME void is_done_and_tells(void)
{
    is_done();
    step_to(1);
}

FRAME void deferred_done(void)
{
    go_waitgroup_add(&group, 1);
    go(is_done_and_tells);
    step_to(2);
    word = 2;
}

FRAME void adds_itself(void)
{
    go_waitgroup_add(&group, 1); // @adds
    step_to(1);
    go_race_disable();
    while (!(__atomic_load_n(&group.state_, __ATOMIC_RELAXED) & 1)) /* nobody waits yet */
        go_yield();
    go_race_enable();
    go_waitgroup_done(&group);
}

FRAME void add_beside_wait(void)
{
    go(adds_itself);
    step_to(2);
    go_waitgroup_wait(&group);
}

FRAME void writes_number(int n)
{
    word = n; // @number
}

FRAME void defers_a_write(void)
{
    go_defer(writes_number, 1);
    EXPECT(word == 0);
}

FRAME void calls_what_defers(void)
{
    defers_a_write(); // @defers
    step_to(1);
}

FRAME void deferred_write(void)
{
    go(calls_what_defers);
    step_to(2);
    word = 2;
}

FRAME void defers_memset(void)
{
    go_defer(memset, &stats, 1, sizeof stats);
    EXPECT(stats.hits == 0);
}

FRAME void memset_and_tells(void)
{
    defers_memset();
    step_to(1);
}

FRAME void deferred_memset(void)
{
    go(memset_and_tells);
    step_to(2);
    stats.hits = 2;
}

FRAME void panics(void *unused)
{
    (void)unused;
    go_defer(writes_number, 1);
    go_panic("on purpose"); // @panics
}

FRAME void recovers(void)
{
    EXPECT(go_recover(panics, NULL) != NULL); // @recovers
}

FRAME void calls_what_recovers(void)
{
    recovers(); // @calls
    step_to(1);
    step_to(4);
    EXPECT(stats.hits == 1); // @after
    step_to(5);
}

FRAME void deferred_until_panic(void)
{
    go(calls_what_recovers);
    step_to(2);
    word = 2;
    stats.hits = 1;
    step_to(3);
    step_to(6);
}

FRAME void function_of_the_library(void)
{
    go(memset, &stats, 1, sizeof stats);
    go_race_disable();
    while (__atomic_load_n(&stats.table[3][7], __ATOMIC_RELAXED) == 0)
        go_yield();
    go_race_enable();
    stats.hits = 2;
}

FRAME void sends_on_closed(void *c)
{
    go_chan_send((go_chan(int))c, 1);
}

FRAME void close_as_a_goroutine(void)
{
    go_chan(int) c = go_chan_make(int, 1);
    int value = 1; /* zero once it is closed */
    go(go_chan_close, c);
    go_race_disable();
    while (value && !go_chan_try_recv(c, &value))
        go_yield();
    go_race_enable();
    EXPECT(go_recover(sends_on_closed, c) != NULL);
}

FRAME void writes_after_main(void)
{
    step_to(2);
    word = 2;
    step_to(3);
}

static void await_writer(void)
{
    step_to(1);
    step_to(4);
}

FRAME void main_has_returned(void)
{
    atexit(await_writer);
    go(writes_after_main);
    word = 1;
}

int go_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"different-locks", different_locks},
        {"outside-the-lock", outside_the_lock},
        {"readers-too", readers_too},
        {"heap", heap},
        {"heap-of-a-typedef", heap_of_a_typedef},
        {"heap-of-numbers", heap_of_numbers},
        {"heap-beside-a-library-type", heap_beside_a_library_type},
        {"locks-in-structures", locks_in_structures},
        {"stack", stack},
        {"array-on-stack", array_on_stack},
        {"relaxed", relaxed},
        {"channel", channel},
        {"closed-channel", closed_channel},
        {"thread", thread},
        {"ancestry", ancestry},
        {"inlined", inlined},
        {"deferred-done", deferred_done},
        {"add-beside-wait", add_beside_wait},
        {"deferred-write", deferred_write},
        {"deferred-memset", deferred_memset},
        {"deferred-until-panic", deferred_until_panic},
        {"function-of-the-library", function_of_the_library},
        {"close-as-a-goroutine", close_as_a_goroutine},
        {"main-has-returned", main_has_returned},
    };
    EXPECT(argc == 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].run();
    return 0;
}
