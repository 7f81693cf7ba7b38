/* race_access.c - what an access costs under a race detector; see race_bench.h. */
#include "race_bench.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t *data;
volatile uint64_t sink;
static atomic_int counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct point {
    int x, y;
    int64_t z;
};
static struct point *points;

LOUD static void same_write(uint64_t *p, long n)
{
    for (long i = 0; i < n; i++) {
        *(volatile uint64_t *)p = (uint64_t)i;
    }
}

LOUD static void seq_write(uint64_t *p, long n)
{
    for (long i = 0; i < n; i++)
        ((volatile uint64_t *)p)[i] = (uint64_t)i;
}

LOUD static uint64_t seq_read(uint64_t *p, long n)
{
    uint64_t s = 0;
    for (long i = 0; i < n; i++)
        s += ((volatile uint64_t *)p)[i];
    return s;
}

LOUD static uint64_t random_read(uint64_t *p, long n, long mask)
{
    uint64_t s = 0, x = 88172645463325252u;
    for (long i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        s += ((volatile uint64_t *)p)[x & (uint64_t)mask];
    }
    return s;
}

LOUD static void random_write(uint64_t *p, long n, long mask)
{
    uint64_t x = 88172645463325252u;
    for (long i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        ((volatile uint64_t *)p)[x & (uint64_t)mask] = x;
    }
}

LOUD static uint64_t callee(uint64_t *p)
{
    return *(volatile uint64_t *)p;
}

LOUD static uint64_t call_read(uint64_t *p, long n)
{
    uint64_t s = 0;
    for (long i = 0; i < n; i++)
        s += callee(p);
    return s;
}

LOUD static uint64_t callee2(uint64_t *p)
{
    return *(volatile uint64_t *)p + 1;
}

LOUD static uint64_t call_two(uint64_t *p, long n)
{
    uint64_t s = 0;
    for (long i = 0; i < n; i += 2)
        s += callee(p) + callee2(p);
    return s;
}

LOUD static void fields(struct point *p, long n)
{
    for (long i = 0; i < n; i++) {
        *(volatile int *)&p[i].x = 1;
        *(volatile int *)&p[i].y = 2;
        *(volatile int64_t *)&p[i].z = 3;
    }
}

LOUD static void bytes_write(unsigned char *p, long n)
{
    for (long i = 0; i < n; i++)
        ((volatile unsigned char *)p)[i] = (unsigned char)i;
}

LOUD static void locked(long n)
{
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

LOUD static void locked_fields(struct point *p, long n)
{
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&mutex);
        p->x++;
        p->y++;
        pthread_mutex_unlock(&mutex);
    }
}

LOUD static void atomic_adds(long n)
{
    for (long i = 0; i < n; i++)
        atomic_fetch_add_explicit(&counter, 1, memory_order_acq_rel);
}

LOUD static void new_epoch(void)
{
    atomic_store_explicit(&counter, 0, memory_order_release);
}

static void *reader(void *arg)
{
    uint64_t s = (uintptr_t)arg;
    for (int i = 0; i < 40; i++)
        s += seq_read(data, SMALL / 8);
    return (void *)(uintptr_t)s;
}

TIMED(t_same, 10000000, same_write(data, 10000000))
TIMED(t_seq_write, 10 * (SMALL / 8), for (int i = 0; i < 10; i++) seq_write(data, SMALL / 8))
TIMED(
    t_seq_write_epoch, 10 * (SMALL / 8), for (int i = 0; i < 10; i++) {
        new_epoch();
        seq_write(data, SMALL / 8);
    })
TIMED(t_seq_read, 10 * (SMALL / 8), for (int i = 0; i < 10; i++) sink = seq_read(data, SMALL / 8))
static QUIET double t_read_after_write(void)
{
    seq_write(data, SMALL / 8);
    double t = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < 10; i++) {
        new_epoch();
        sink = seq_read(data, SMALL / 8);
    }
    return (clock_ns(CLOCK_THREAD_CPUTIME_ID) - t) / (10 * (SMALL / 8));
}

TIMED(t_random, 2000000, sink = random_read(data, 2000000, SMALL / 8 - 1))
TIMED(t_random_write, 2000000, random_write(data, 2000000, SMALL / 8 - 1))
TIMED(t_large_write, LARGE / 8, seq_write(data, LARGE / 8))
TIMED(t_large_read, LARGE / 8, sink = seq_read(data, LARGE / 8))
TIMED(t_large_random_write, 1000000, random_write(data, 1000000, LARGE / 8 - 1))
TIMED(t_large_random, 1000000, sink = random_read(data, 1000000, LARGE / 8 - 1))
TIMED(t_call, 5000000, sink = call_read(data, 5000000))
TIMED(t_call_two, 5000000, sink = call_two(data, 5000000))
TIMED(t_fields, 3 * 20 * 10000, for (int i = 0; i < 20; i++) fields(points, 10000))
TIMED(
    t_fields_epoch, 3 * 20 * 10000, for (int i = 0; i < 20; i++) {
        new_epoch();
        fields(points, 10000);
    })
TIMED(t_bytes, 10 * SMALL / 8,
      for (int i = 0; i < 10; i++) bytes_write((unsigned char *)data, SMALL / 8))
TIMED(t_mutex, 500000, locked(500000))
TIMED(t_mutex_fields, 500000, locked_fields(points, 500000))
TIMED(t_atomic, 1000000, atomic_adds(1000000))

static QUIET void *nothing(void *arg)
{
    return arg;
}

static QUIET void threads(int n, void *(*fn)(void *))
{
    pthread_t t[4];
    for (int i = 0; i < n; i++)
        pthread_create(&t[i], NULL, fn, NULL);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

static void *contender(void *arg)
{
    locked_fields(points, 50000);
    return arg;
}

/* A lock as programs make their own: a word, and the kernel for who has to wait. */
static atomic_int word;

LOUD static void word_lock(void)
{
    int state = 0;
    if (atomic_compare_exchange_strong_explicit(&word, &state, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&word, 2, memory_order_acquire) != 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

LOUD static void word_unlock(void)
{
    if (atomic_exchange_explicit(&word, 0, memory_order_release) == 2)
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *word_contender(void *arg)
{
    for (int i = 0; i < 25000; i++) {
        word_lock();
        points->x++;
        points->y++;
        word_unlock();
    }
    return arg;
}

LOUD static void copies(char *p, long n)
{
    for (long i = 0; i < n; i++)
        memcpy(p + 8192, p, 4096);
}

LOUD static void blocks(long n, size_t size)
{
    for (long i = 0; i < n; i++) {
        volatile char *p = malloc(size);
        p[size / 2] = (char)i;
        free((void *)(uintptr_t)p);
    }
}

TIMED(t_memcpy, 50000, copies((char *)data, 50000))
TIMED(
    t_memcpy_epoch, 20000, for (int i = 0; i < 20000; i++) {
        new_epoch();
        copies((char *)data, 1);
    })
TIMED(t_malloc_100, 200000, blocks(200000, 100))
TIMED(t_malloc_100k, 5000, blocks(5000, 100000))
ON_WALL(t_shared_read, 40 * (SMALL / 8), threads(2, reader))
ON_WALL(t_contended, 100000, threads(2, contender))
ON_WALL(t_contended_4, 200000, threads(4, contender))
ON_WALL(t_word_4, 100000, threads(4, word_contender))
ON_WALL(
    t_thread, 200, for (int i = 0; i < 200; i++) {
        pthread_t a;
        pthread_create(&a, NULL, nothing, NULL);
        pthread_join(a, NULL);
    })

static long peak_rss_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "VmHWM: %ld", &kb);
    if (f)
        fclose(f);
    return kb;
}

static const struct race_op race_access[] = {
    {"same_address_write", t_same},
    {"sequential_write_512K", t_seq_write},
    {"sequential_read_512K", t_seq_read},
    {"random_read_512K", t_random},
    {"random_write_512K", t_random_write},
    {"sequential_write_64M", t_large_write},
    {"sequential_read_64M", t_large_read},
    {"random_read_64M", t_large_random},
    {"random_write_64M", t_large_random_write},
    {"call_and_read", t_call},
    {"call_two_alternating", t_call_two},
    {"struct_fields", t_fields},
    {"byte_array", t_bytes},
    {"mutex_pair", t_mutex},
    {"mutex_and_two_fields", t_mutex_fields},
    {"mutex_contended", t_contended},
    {"mutex_contended_by_four", t_contended_4},
    {"own_lock_contended_by_four", t_word_4},
    {"atomic_add_acq_rel", t_atomic},
    {"memcpy_4K", t_memcpy},
    {"thread_create_join", t_thread},
    {"write_512K_new_epoch", t_seq_write_epoch},
    {"read_after_write_512K", t_read_after_write},
    {"struct_fields_new_epoch", t_fields_epoch},
    {"memcpy_4K_new_epoch", t_memcpy_epoch},
    {"read_by_two_threads_512K", t_shared_read},
    {"malloc_free_100", t_malloc_100},
    {"malloc_free_100K", t_malloc_100k},
    {NULL, NULL},
};

static void measure(const struct race_op *op)
{
    double best = 1e30;
    data = malloc(LARGE);
    points = calloc(10000, sizeof *points);
    for (int i = 0; i < 3; i++) {
        double t = op->once();
        best = t < best ? t : best;
    }
    printf("%s %.2f %ld\n", op->name, best, peak_rss_kb());
}

int main(int argc, char **argv)
{
    static const struct race_op *const tables[] = {race_access, race_work};
    bool found = false;
    for (unsigned i = 0; argc == 2 && i < 2; i++)
        for (const struct race_op *op = tables[i]; op->name; op++) {
            if (strcmp(argv[1], "--list") == 0)
                puts(op->name);
            else if (strcmp(argv[1], op->name) == 0)
                measure(op);
            else
                continue;
            found = true;
        }
    return found ? 0 : 2;
}
