/* detector_cases.c - small programs to compare race detectors with; see tools/dev.d/detectors.py.
 *
 *     RACE(name)    two accesses conflict and nothing orders them: a detector should say so
 *     NORACE(name)  correct: a detector should be silent
 *     LOCKS(name)   locks in two orders, without a deadlock in this run
 *
 * `detector_cases NAME` runs one, `detector_cases --list` names them.  Nothing here belongs to one
 * detector: the same file is compiled for each, and runs under valgrind as it is.
 *
 * The order of a race's two accesses is made with steps in the kernel: bytes in pipes, by system
 * calls that no detector takes for synchronisation: step(n) is made once, await(n) waits for it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 8, CALLS = 1000000, PAIRS = 6000000, FLOWS = 600, LIVE = 1000, BLOCK = 65536 };

#define FRAME static __attribute__((noinline))

static struct a_case {
    const char *kind, *name;
    void (*run)(void);
    struct a_case *next;
} * cases;

#define CASE(kind, name)                                          \
    static void name(void);                                       \
    static struct a_case case_##name = {kind, #name, name, NULL}; \
    __attribute__((constructor)) static void add_##name(void)     \
    {                                                             \
        case_##name.next = cases;                                 \
        cases = &case_##name;                                     \
    }                                                             \
    static void name(void)
#define RACE(name)   CASE("RACE", name)
#define NORACE(name) CASE("NORACE", name)
#define LOCKS(name)  CASE("LOCKS", name)

int x, y;
static int pipes[STEPS][2];

static void step(int n)
{
    char c = 0;
    if (syscall(SYS_write, pipes[n][1], &c, 1) != 1)
        abort();
}

static void await(int n)
{
    char c;
    if (syscall(SYS_read, pipes[n][0], &c, 1) != 1)
        abort();
    step(n);
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    if (pthread_create(&t, NULL, fn, arg) != 0)
        abort();
    return t;
}

static void join(pthread_t t)
{
    pthread_join(t, NULL);
}

FRAME void write_x(void)
{
    x = 1;
}

static void *nothing(void *arg)
{
    return arg;
}

/* ---- races ---- */

static void *writes_x(void *arg)
{
    write_x();
    step(1);
    await(2);
    return arg;
}

RACE(two_writes)
{
    pthread_t t = start(writes_x, NULL);
    await(1);
    x = 2;
    step(2);
    join(t);
}

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, nu = PTHREAD_MUTEX_INITIALIZER;

RACE(lock_held_on_one_side)
{
    pthread_t t = start(writes_x, NULL);
    await(1);
    pthread_mutex_lock(&mu);
    x = 2;
    pthread_mutex_unlock(&mu);
    step(2);
    join(t);
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;

static void *writes_as_reader(void *arg)
{
    pthread_rwlock_rdlock(&rw);
    write_x();
    pthread_rwlock_unlock(&rw);
    step(1);
    await(2);
    return arg;
}

RACE(written_under_a_readers_lock)
{
    pthread_t t = start(writes_as_reader, NULL);
    await(1);
    pthread_rwlock_rdlock(&rw);
    x = 2;
    pthread_rwlock_unlock(&rw);
    step(2);
    join(t);
}

struct item {
    int id;
    long count;
    char name[40];
};

static void *counts(void *arg)
{
    struct item *i = arg;
    i->count = 1;
    step(1);
    await(2);
    return arg;
}

RACE(field_of_a_heap_block)
{
    struct item *item = malloc(sizeof *item);
    pthread_t t = start(counts, item);
    await(1);
    item->count = 2;
    step(2);
    join(t);
}

char text[4096];

static void *writes_one_byte(void *arg)
{
    text[4000] = 1;
    step(1);
    await(2);
    return arg;
}

RACE(byte_in_a_large_memset)
{
    volatile size_t n = sizeof text;
    pthread_t t = start(writes_one_byte, NULL);
    await(1);
    memset(text, 0, n);
    step(2);
    join(t);
}

static atomic_int flag;

static void *publishes_relaxed(void *arg)
{
    write_x();
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    step(1);
    await(2);
    return arg;
}

RACE(published_by_a_relaxed_atomic)
{
    pthread_t t = start(publishes_relaxed, NULL);
    await(1);
    while (!atomic_load_explicit(&flag, memory_order_relaxed))
        ;
    x = 2;
    step(2);
    join(t);
}

/* ---- races that are far apart ---- */

char bytes[8] __attribute__((aligned(8)));

static void *writes_byte_0(void *arg)
{
    bytes[0] = 1;
    step(1);
    await(2);
    return arg;
}

static void *writes_byte_0_later(void *arg)
{
    bytes[0] = 2;
    return arg;
}

RACE(other_bytes_of_the_word_between)
{
    pthread_t t = start(writes_byte_0, NULL);
    await(1);
    for (volatile int i = 1; i < 8; i++)
        bytes[i] = 1;
    join(start(writes_byte_0_later, NULL));
    step(2);
    join(t);
}

int deep;

FRAME void call_inner(int i)
{
    deep += i;
    __asm__ volatile("" ::: "memory");
}

static void *writes_x_and_calls(void *arg)
{
    write_x();
    for (int i = 0; i < CALLS; i++)
        call_inner(i);
    step(1);
    await(2);
    return arg;
}

RACE(million_calls_between)
{
    pthread_t t = start(writes_x_and_calls, NULL);
    await(1);
    x = 2;
    step(2);
    join(t);
}

RACE(threads_600_ended_between)
{
    pthread_t t = start(writes_x, NULL);
    await(1);
    for (int i = 0; i < FLOWS; i++)
        join(start(nothing, NULL));
    x = 2;
    step(2);
    join(t);
}

FRAME void lock_and_unlock(pthread_mutex_t *m)
{
    for (int i = 0; i < PAIRS / 2; i++) {
        pthread_mutex_lock(m);
        pthread_mutex_unlock(m);
    }
}

static void *writes_x_and_locks(void *arg)
{
    write_x();
    lock_and_unlock(&mu);
    step(1);
    await(2);
    return arg;
}

RACE(million_lock_pairs_6_between)
{
    pthread_t t = start(writes_x_and_locks, NULL);
    lock_and_unlock(&nu);
    await(1);
    x = 2;
    step(2);
    join(t);
}

static void *writes_at_2000(void *p)
{
    ((char *)p)[2000] = 1;
    step(1);
    await(2);
    return NULL;
}

RACE(free_of_a_block_written_inside)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    char *p = malloc(BLOCK);
    pthread_t t = start(writes_at_2000, p);
    await(1);
    free(p);
    step(2);
    join(t);
}

/* A server's handler; the one of the other connection does the same to x. */
static void *handles(void *fd)
{
    char c;
    if (recv((int)(intptr_t)fd, &c, 1, 0) != 1)
        abort();
    x++;
    if (send((int)(intptr_t)fd, &c, 1, 0) != 1)
        abort();
    return fd;
}

static void *handles_first(void *fd)
{
    handles(fd);
    step(1);
    await(2);
    return fd;
}

static void *asks(void *fd)
{
    char c = 1;
    if (send((int)(intptr_t)fd, &c, 1, 0) != 1)
        abort();
    await(2);
    return fd;
}

RACE(handlers_of_two_connections)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int client[2], server[2], l = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(l, (struct sockaddr *)&a, n) != 0 || listen(l, 2) != 0 ||
        getsockname(l, (struct sockaddr *)&a, &n) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        client[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client[i], (struct sockaddr *)&a, n) != 0)
            abort();
        server[i] = accept(l, NULL, NULL);
    }
    pthread_t t[4] = {start(handles_first, (void *)(intptr_t)server[0]),
                      start(asks, (void *)(intptr_t)client[0])};
    await(1);
    t[2] = start(handles, (void *)(intptr_t)server[1]);
    t[3] = start(asks, (void *)(intptr_t)client[1]);
    join(t[2]);
    step(2);
    for (int i = 0; i < 4; i++)
        if (i != 2)
            join(t[i]);
}

/* ---- correct ---- */

static void *adds_under_mutex(void *arg)
{
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mu);
        x++;
        pthread_mutex_unlock(&mu);
    }
    return arg;
}

NORACE(mutex_and_join)
{
    pthread_t a = start(adds_under_mutex, NULL), b = start(adds_under_mutex, NULL);
    join(a);
    join(b);
    x++;
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready;

static void *signals_cond(void *arg)
{
    x = 1;
    pthread_mutex_lock(&mu);
    ready = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mu);
    return arg;
}

NORACE(condition)
{
    pthread_t t = start(signals_cond, NULL);
    pthread_mutex_lock(&mu);
    while (!ready)
        pthread_cond_wait(&cond, &mu);
    pthread_mutex_unlock(&mu);
    x = 2;
    join(t);
}

static void *reads_as_reader(void *arg)
{
    pthread_rwlock_rdlock(&rw);
    if (x < 0)
        abort();
    pthread_rwlock_unlock(&rw);
    return arg;
}

NORACE(rwlock)
{
    pthread_t a = start(reads_as_reader, NULL), b = start(reads_as_reader, NULL);
    pthread_rwlock_wrlock(&rw);
    x = 2;
    pthread_rwlock_unlock(&rw);
    join(a);
    join(b);
}

static sem_t sem;

static void *posts(void *arg)
{
    x = 1;
    sem_post(&sem);
    await(2);
    return arg;
}

NORACE(semaphore)
{
    sem_init(&sem, 0, 0);
    pthread_t t = start(posts, NULL);
    sem_wait(&sem);
    x = 2;
    step(2);
    join(t);
}

static pthread_barrier_t barrier;

static void *meets(void *arg)
{
    x = 1;
    pthread_barrier_wait(&barrier);
    await(2);
    return arg;
}

NORACE(barrier_wait)
{
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t t = start(meets, NULL);
    pthread_barrier_wait(&barrier);
    x = 2;
    step(2);
    join(t);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *uses_once(void *arg)
{
    pthread_once(&once, write_x);
    if (x != 1)
        abort();
    return arg;
}

NORACE(once_before_its_uses)
{
    pthread_t a = start(uses_once, NULL), b = start(uses_once, NULL);
    join(a);
    join(b);
}

static void *publishes(void *arg)
{
    x = 1;
    atomic_store_explicit(&flag, 1, memory_order_release);
    await(2);
    return arg;
}

NORACE(release_and_acquire)
{
    pthread_t t = start(publishes, NULL);
    while (!atomic_load_explicit(&flag, memory_order_acquire))
        ;
    x = 2;
    step(2);
    join(t);
}

static void *publishes_by_fence(void *arg)
{
    x = 1;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&flag, 1, memory_order_relaxed);
    await(2);
    return arg;
}

NORACE(fences)
{
    pthread_t t = start(publishes_by_fence, NULL);
    while (!atomic_load_explicit(&flag, memory_order_relaxed))
        ;
    atomic_thread_fence(memory_order_acquire);
    x = 2;
    step(2);
    join(t);
}

static int line[2];

static void *writes_to_pipe(void *arg)
{
    x = 1;
    if (write(line[1], "x", 1) != 1)
        abort();
    await(2);
    return arg;
}

NORACE(pipe_write_before_read)
{
    char c;
    if (pipe(line) != 0)
        abort();
    pthread_t t = start(writes_to_pipe, NULL);
    if (read(line[0], &c, 1) != 1)
        abort();
    x = 2;
    step(2);
    join(t);
}

static int back[2];

NORACE(pipes_through_a_child)
{
    char c;
    if (pipe(line) != 0 || pipe(back) != 0)
        abort();
    pid_t pid = fork();
    if (pid == 0)
        _exit(read(line[0], &c, 1) != 1 || write(back[1], &c, 1) != 1);
    pthread_t t = start(writes_to_pipe, NULL);
    if (read(back[0], &c, 1) != 1)
        abort();
    x = 2;
    step(2);
    join(t);
    waitpid(pid, NULL, 0);
}

NORACE(child_of_a_fork_after_other_threads)
{
    int status;
    pthread_t t = start(writes_x, NULL);
    await(1);
    pid_t pid = fork();
    if (pid == 0) {
        x = 2;
        exit(0);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        exit(66);
    step(2);
    join(t);
}

static void *waits(void *arg)
{
    await(2);
    return arg;
}

NORACE(threads_1000_at_a_time)
{
    static pthread_t t[LIVE];
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 1 << 18);
    for (int i = 0; i < LIVE; i++)
        if (pthread_create(&t[i], &a, waits, NULL) != 0)
            abort();
    step(2);
    for (int i = 0; i < LIVE; i++)
        join(t[i]);
}

/* ---- not a race ---- */

static void *locks_mu_nu(void *arg)
{
    pthread_mutex_lock(&mu);
    pthread_mutex_lock(&nu);
    pthread_mutex_unlock(&nu);
    pthread_mutex_unlock(&mu);
    step(1);
    return arg;
}

LOCKS(locks_in_two_orders)
{
    pthread_t t = start(locks_mu_nu, NULL);
    await(1);
    pthread_mutex_lock(&nu);
    pthread_mutex_lock(&mu);
    pthread_mutex_unlock(&mu);
    pthread_mutex_unlock(&nu);
    join(t);
}

/* ---- what a detector costs: threads, sums over memory, and a table under a lock ---- */

enum { WORDS = 1 << 20, ROUNDS = 12, SHARED = 100000 };
static long *words, table[1024];

static void *works(void *arg)
{
    long *mine = words + (arg ? WORDS : 0), sum = 0;
    for (int r = 0; r < ROUNDS; r++)
        for (int i = 0; i < WORDS; i++)
            sum += mine[i] += r + i;
    for (int i = 0; i < SHARED; i++) {
        pthread_mutex_lock(&mu);
        table[(unsigned long)(sum + i) % 1024]++;
        pthread_mutex_unlock(&mu);
    }
    return NULL;
}

CASE("COST", work)
{
    words = calloc(2 * WORDS, sizeof *words);
    pthread_t t = start(works, &x);
    works(NULL);
    join(t);
}

int main(int argc, char **argv)
{
    for (int i = 0; i < STEPS; i++)
        if (pipe(pipes[i]) != 0)
            return 3;
    for (const struct a_case *c = cases; argc == 2 && c; c = c->next) {
        if (strcmp(argv[1], "--list") == 0) {
            printf("%s %s\n", c->kind, c->name);
        } else if (strcmp(argv[1], c->name) == 0) {
            c->run();
            puts("end of case");
            return 0;
        }
    }
    return argc == 2 && strcmp(argv[1], "--list") == 0 ? 0 : 3;
}
