/* Locks that are taken in different orders or twice for reading, and mutexes that are used wrongly,
 * are reported in the form of races; what only looks like it is not. */
// only: race
// env: GORACE=atexit_sleep_ms=0
// exit: 66
// case: inversion
// stderr: WARNING: LOCK ORDER INVERSION \(potential deadlock\)
// stderr: Goroutine 3 takes mutex 'a', while it holds mutex 'b':
// stderr:   take_two\(\) .*lock_misuse\.c:@second:\d+
// stderr: It took mutex 'b' at:
// stderr:   take_two\(\) .*lock_misuse\.c:@first:\d+
// stderr: Goroutine 2 takes mutex 'b', while it holds mutex 'a':
// stderr: It took mutex 'a' at:
// stderr: Goroutine 3 created at:
// stderr: Goroutine 2 created at:
// stderr: Found 1 misuse\(s\) of locks
// case: deadlocked
// stderr: WARNING: LOCK ORDER INVERSION \(potential deadlock\)
// stderr: Goroutine \d takes mutex '[ab]', while it holds mutex '[ab]':
// stderr:   take_when_both_have_one\(\) .*lock_misuse\.c:@never:\d+
// case: circle-of-three
// stderr: Goroutine 4 takes mutex 'a', while it holds mutex 'c':
// stderr: Goroutine 2 takes mutex 'b', while it holds mutex 'a':
// stderr: Goroutine 3 takes mutex 'c', while it holds mutex 'b':
// case: threads
// stderr: Thread T2 takes mutex 'p', while it holds mutex 'q':
// stderr: Thread T1 takes mutex 'q', while it holds mutex 'p':
// case: gate
// exit: 0
// case: gate-of-readers
// stderr: Goroutine 3 takes mutex 'a', while it holds mutex 'b':
// case: one-flow
// exit: 0
// case: only-tried
// exit: 0
// case: only-readers
// exit: 0
// case: readers-and-writers
// stderr: Goroutine 3 takes rwmutex 'r', while it holds rwmutex 's':
// case: freed-between
// exit: 0
// case: handed-over
// exit: 0
// case: inversion suppressed
// exit: 0
// stderr:  +1 deadlock:take_two
// case: read-again
// stderr: WARNING: RECURSIVE READ LOCK \(potential deadlock\)
// stderr: Goroutine 2 takes rwmutex 'r' for reading again, while it reads:
// stderr:   read_again\(\) .*lock_misuse\.c:@again:\d+
// stderr: It took rwmutex 'r' for reading at:
// stderr:   read_again\(\) .*lock_misuse\.c:@once:\d+
// stderr: Goroutine 3 takes rwmutex 'r' for writing; .* between these two, both .*:
// stderr:   write_one\(\) .*lock_misuse\.c:@write:\d+
// stderr: Goroutine 2 created at:
// stderr: Goroutine 3 created at:
// stderr: Found 1 misuse\(s\) of locks
// case: read-again-after-a-writer
// stderr: Goroutine 3 takes rwmutex 'r' for reading again, while it reads:
// stderr: Goroutine 2 takes rwmutex 'r' for writing; were it to ask .*
// case: read-again-in-order
// exit: 0
// case: read-again-by-threads
// stderr: Thread T1 takes rwlock 'in_turn' for reading again, while it reads:
// stderr: Thread T2 takes rwlock 'in_turn' for writing; were it to ask .*
// case: read-again-with-preference
// exit: 0
// case: unlocked-twice
// stderr: WARNING: MUTEX MISUSE
// stderr: Unlock of an unlocked mutex by main goroutine: mutex 'p':
// stderr:   unlocked_twice\(\) .*
// stderr: Found 1 misuse\(s\) of locks
// case: after-destroy
// stderr: Lock of a destroyed mutex by main goroutine: mutex 'p':
// case: destroyed-while-locked
// stderr: Destroy of a locked mutex by main goroutine: mutex 'p':
#include "expect.h"
#include <pthread.h>
#include <stdatomic.h>

#define FRAME static __attribute__((noinline))

static go_mutex a, b, c, gate;
static go_rwmutex r, s;
static pthread_mutex_t p = PTHREAD_MUTEX_INITIALIZER, q = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t in_turn = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static pthread_rwlock_t preference = PTHREAD_RWLOCK_INITIALIZER; /* of readers */
static bool has_read;
static go_waitgroup wg;

FRAME void take_two(go_mutex *first, go_mutex *second)
{
    go_mutex_lock(first);  // @first
    go_mutex_lock(second); // @second
    go_mutex_unlock(second);
    go_mutex_unlock(first);
    go_waitgroup_done(&wg);
}

/* One after the other, so that no run ends in the deadlock. */
#define IN_ITS_TURN(fn, ...) (go_waitgroup_add(&wg, 1), go(fn, __VA_ARGS__), go_waitgroup_wait(&wg))

FRAME void inversion(void)
{
    IN_ITS_TURN(take_two, &a, &b);
    IN_ITS_TURN(take_two, &b, &a);
    IN_ITS_TURN(take_two, &a, &b); /* known by now */
    IN_ITS_TURN(take_two, &b, &a);
}

static atomic_int holders;
static atomic_bool told;

static void note(const go_race_report *report, void *unused)
{
    (void)report, (void)unused;
    atomic_store(&told, true);
}

FRAME void take_when_both_have_one(go_mutex *first, go_mutex *second)
{
    go_mutex_lock(first);
    atomic_fetch_add(&holders, 1);
    while (atomic_load(&holders) < 2)
        go_yield();
    go_mutex_lock(second); // @never
}

/* Which is told at once, for the rest may go on for ever. */
FRAME void deadlocked(void)
{
    go_race_on_report(note, NULL);
    go(take_when_both_have_one, &a, &b);
    go(take_when_both_have_one, &b, &a);
    while (!atomic_load(&told))
        go_yield();
}

FRAME void circle_of_three(void)
{
    IN_ITS_TURN(take_two, &a, &b);
    IN_ITS_TURN(take_two, &b, &c);
    IN_ITS_TURN(take_two, &c, &a);
}

static void *takes_p_and_q(void *in_order)
{
    pthread_mutex_lock(in_order ? &p : &q);
    pthread_mutex_lock(in_order ? &q : &p);
    pthread_mutex_unlock(&p);
    pthread_mutex_unlock(&q);
    return NULL;
}

FRAME void threads(void)
{
    pthread_t t;
    pthread_create(&t, NULL, takes_p_and_q, &p);
    pthread_join(t, NULL);
    pthread_create(&t, NULL, takes_p_and_q, NULL);
    pthread_join(t, NULL);
}

FRAME void take_two_behind_the_gate(go_mutex *first, go_mutex *second)
{
    go_mutex_lock(&gate);
    go_mutex_lock(first);
    go_mutex_lock(second);
    go_mutex_unlock(second);
    go_mutex_unlock(first);
    go_mutex_unlock(&gate);
    go_waitgroup_done(&wg);
}

FRAME void behind_a_gate(void)
{
    IN_ITS_TURN(take_two_behind_the_gate, &a, &b);
    IN_ITS_TURN(take_two_behind_the_gate, &b, &a);
}

static go_rwmutex readers;

FRAME void take_two_reading(go_mutex *first, go_mutex *second)
{
    go_rwmutex_rlock(&readers);
    go_mutex_lock(first);
    go_mutex_lock(second);
    go_mutex_unlock(second);
    go_mutex_unlock(first);
    go_rwmutex_runlock(&readers);
    go_waitgroup_done(&wg);
}

FRAME void behind_a_gate_of_readers(void)
{
    IN_ITS_TURN(take_two_reading, &a, &b);
    IN_ITS_TURN(take_two_reading, &b, &a);
}

FRAME void one_flow(void)
{
    go_waitgroup_add(&wg, 2);
    take_two(&a, &b);
    take_two(&b, &a);
}

FRAME void try_second(go_mutex *first, go_mutex *second)
{
    go_mutex_lock(first);
    EXPECT(go_mutex_trylock(second));
    go_mutex_unlock(second);
    go_mutex_unlock(first);
    go_waitgroup_done(&wg);
}

FRAME void only_tried(void)
{
    IN_ITS_TURN(take_two, &a, &b);
    IN_ITS_TURN(try_second, &b, &a);
}

FRAME void read_two(go_rwmutex *first, go_rwmutex *second)
{
    go_rwmutex_rlock(first);
    go_rwmutex_rlock(second);
    go_rwmutex_runlock(second);
    go_rwmutex_runlock(first);
    go_waitgroup_done(&wg);
}

FRAME void write_two(go_rwmutex *first, go_rwmutex *second)
{
    go_rwmutex_lock(first);
    go_rwmutex_lock(second);
    go_rwmutex_unlock(second);
    go_rwmutex_unlock(first);
    go_waitgroup_done(&wg);
}

FRAME void only_readers(void)
{
    IN_ITS_TURN(read_two, &r, &s);
    IN_ITS_TURN(read_two, &s, &r);
}

FRAME void readers_and_writers(void)
{
    IN_ITS_TURN(read_two, &r, &s);
    IN_ITS_TURN(write_two, &s, &r);
}

FRAME void freed_between(void)
{
    for (int i = 0; i < 100; i++) {
        go_mutex *two = calloc(2, sizeof *two);
        IN_ITS_TURN(take_two, &two[i % 2], &two[1 - i % 2]);
        free(two);
    }
}

FRAME void unlock(go_mutex *m)
{
    go_mutex_unlock(m);
    go_waitgroup_done(&wg);
}

FRAME void read_unlock(go_rwmutex *m)
{
    go_rwmutex_runlock(m);
    go_waitgroup_done(&wg);
}

/* Another goroutine unlocks: main does not hold a, r and s when it takes b. */
FRAME void handed_over(void)
{
    go_mutex_lock(&a);
    go_rwmutex_rlock(&r);
    go_rwmutex_rlock(&s);
    go_rwmutex_rlock(&s);
    IN_ITS_TURN(unlock, &a);
    IN_ITS_TURN(read_unlock, &r);
    IN_ITS_TURN(read_unlock, &s);
    IN_ITS_TURN(read_unlock, &s);
    go_mutex_lock(&b);
    go_mutex_unlock(&b);
    IN_ITS_TURN(take_two, &b, &a);
    go_mutex_lock(&b);
    go_rwmutex_lock(&r);
    go_rwmutex_lock(&s);
    go_rwmutex_unlock(&s);
    go_rwmutex_unlock(&r);
    go_mutex_unlock(&b);
}

FRAME void read_again(go_rwmutex *m)
{
    go_rwmutex_rlock(m); // @once
    go_rwmutex_rlock(m); // @again
    go_rwmutex_runlock(m);
    go_rwmutex_runlock(m);
    go_waitgroup_done(&wg);
}

FRAME void write_one(go_rwmutex *m)
{
    go_rwmutex_lock(m); // @write
    go_rwmutex_unlock(m);
    go_waitgroup_done(&wg);
}

/* One after the other, by what orders nothing: who has ended needs no number any more. */
FRAME void unordered(void (*first)(go_rwmutex *), void (*second)(go_rwmutex *))
{
    go_waitgroup_add(&wg, 2);
    go(first, &r);
    while (go_numgoroutine() > 1)
        go_yield();
    go(second, &r);
    go_waitgroup_wait(&wg);
}

FRAME void read_again_before_a_writer(void)
{
    unordered(read_again, write_one);
}

FRAME void read_again_after_a_writer(void)
{
    unordered(write_one, read_again);
}

FRAME void read_again_in_order(void)
{
    IN_ITS_TURN(write_one, &r);
    IN_ITS_TURN(read_again, &r);
    IN_ITS_TURN(write_one, &r);
}

static void *reads_again(void *l)
{
    EXPECT(pthread_rwlock_rdlock(l) == 0 && pthread_rwlock_rdlock(l) == 0);
    pthread_rwlock_unlock(l);
    pthread_rwlock_unlock(l);
    __atomic_store_n(&has_read, true, __ATOMIC_RELAXED);
    return NULL;
}

static void *writes(void *l)
{
    while (!__atomic_load_n(&has_read, __ATOMIC_RELAXED))
        sched_yield();
    EXPECT(pthread_rwlock_wrlock(l) == 0);
    pthread_rwlock_unlock(l);
    return NULL;
}

FRAME void two_threads(pthread_rwlock_t *l)
{
    pthread_t t[2];
    pthread_create(&t[0], NULL, reads_again, l);
    pthread_create(&t[1], NULL, writes, l);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

FRAME void read_again_by_threads(void)
{
    two_threads(&in_turn);
}

FRAME void read_again_with_preference(void)
{
    two_threads(&preference);
}

FRAME void unlocked_twice(void)
{
    pthread_mutex_lock(&p);
    pthread_mutex_unlock(&p);
    pthread_mutex_unlock(&p);
}

FRAME void after_destroy(void)
{
    pthread_mutex_destroy(&p);
    EXPECT(pthread_mutex_lock(&p) != 0);
}

FRAME void destroyed_while_locked(void)
{
    pthread_mutex_lock(&p);
    EXPECT(pthread_mutex_destroy(&p) != 0);
    pthread_mutex_unlock(&p);
}

/* Starts again with a suppression; its file stays open over exec. */
static void suppressed(char **argv)
{
    char options[128];
    int fd = memfd_create("suppressions", 0);
    EXPECT(fd >= 0 && dprintf(fd, "deadlock:take_two\n") > 0);
    snprintf(options, sizeof options,
             "atexit_sleep_ms=0 print_suppressions=1 suppressions=/proc/self/fd/%d", fd);
    setenv("GORACE", options, 1);
    start_again((char *[]){argv[0], argv[1], NULL});
}

int go_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
        {"inversion", inversion},
        {"deadlocked", deadlocked},
        {"circle-of-three", circle_of_three},
        {"threads", threads},
        {"gate", behind_a_gate},
        {"gate-of-readers", behind_a_gate_of_readers},
        {"one-flow", one_flow},
        {"only-tried", only_tried},
        {"only-readers", only_readers},
        {"readers-and-writers", readers_and_writers},
        {"freed-between", freed_between},
        {"handed-over", handed_over},
        {"read-again", read_again_before_a_writer},
        {"read-again-after-a-writer", read_again_after_a_writer},
        {"read-again-in-order", read_again_in_order},
        {"read-again-by-threads", read_again_by_threads},
        {"read-again-with-preference", read_again_with_preference},
        {"unlocked-twice", unlocked_twice},
        {"after-destroy", after_destroy},
        {"destroyed-while-locked", destroyed_while_locked},
    };
    if (argc == 3)
        suppressed(argv);
    EXPECT(argc == 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].run();
    return 0;
}
