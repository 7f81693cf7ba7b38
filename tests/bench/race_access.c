/* race_access.c - what an access costs under a race detector.
 *
 * Compile with clang -fsanitize=thread once; link the object with clang's own libtsan and with
 * ours, and run both in turn: the ratio is the figure.  Prints one line an operation: name, ns. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUIET __attribute__((no_sanitize("thread"), noinline))
#define LOUD  __attribute__((noinline))

enum { SMALL = 512 << 10, LARGE = 64 << 20 };

static QUIET double now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint64_t *data;
static volatile uint64_t sink;
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

static double best_of(int runs, double (*once)(void))
{
    double best = 1e30;
    for (int i = 0; i < runs; i++) {
        double t = once();
        best = t < best ? t : best;
    }
    return best;
}

#define TIMED(name, ops, ...)                  \
    static QUIET double name(void)             \
    {                                          \
        double t = now_ns();                   \
        __VA_ARGS__;                           \
        return (now_ns() - t) / (double)(ops); \
    }

TIMED(t_same, 10000000, same_write(data, 10000000))
TIMED(t_seq_write, 10 * (SMALL / 8), for (int i = 0; i < 10; i++) seq_write(data, SMALL / 8))
TIMED(
    t_seq_write_epoch, 10 * (SMALL / 8), for (int i = 0; i < 10; i++) {
        new_epoch();
        seq_write(data, SMALL / 8);
    })
TIMED(t_seq_read, 10 * (SMALL / 8), for (int i = 0; i < 10; i++) sink = seq_read(data, SMALL / 8))
TIMED(t_read_after_write, SMALL / 8, new_epoch(); sink = seq_read(data, SMALL / 8))
TIMED(t_random, 2000000, sink = random_read(data, 2000000, SMALL / 8 - 1))
TIMED(t_large_write, LARGE / 8, seq_write(data, LARGE / 8))
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

static QUIET double t_shared_read(void)
{
    pthread_t a, b;
    seq_write(data, SMALL / 8);
    double t = now_ns();
    pthread_create(&a, NULL, reader, NULL);
    pthread_create(&b, NULL, reader, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return (now_ns() - t) / (40 * (SMALL / 8));
}

static QUIET void *nothing(void *arg)
{
    return arg;
}

static QUIET double t_thread(void)
{
    double t = now_ns();
    for (int i = 0; i < 200; i++) {
        pthread_t a;
        pthread_create(&a, NULL, nothing, NULL);
        pthread_join(a, NULL);
    }
    return (now_ns() - t) / 200;
}

static long rss_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "VmRSS: %ld", &kb);
    if (f)
        fclose(f);
    return kb;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        double (*once)(void);
    } op[] = {
        {"same_address_write", t_same},
        {"sequential_write_512K", t_seq_write},
        {"sequential_write_512K_new_epoch", t_seq_write_epoch},
        {"sequential_read_512K", t_seq_read},
        {"read_after_write_512K", t_read_after_write},
        {"random_read_512K", t_random},
        {"sequential_write_64M", t_large_write},
        {"random_read_64M", t_large_random},
        {"call_and_read", t_call},
        {"call_two_alternating", t_call_two},
        {"struct_fields", t_fields},
        {"struct_fields_new_epoch", t_fields_epoch},
        {"byte_array", t_bytes},
        {"mutex_pair", t_mutex},
        {"mutex_and_two_fields", t_mutex_fields},
        {"atomic_add_acq_rel", t_atomic},
        {"read_by_two_threads_512K", t_shared_read},
        {"thread_create_join", t_thread},
    };
    data = malloc(LARGE);
    points = calloc(10000, sizeof *points);
    for (unsigned i = 0; i < sizeof op / sizeof op[0]; i++)
        if (argc < 2 || strstr(op[i].name, argv[1]))
            printf("%s %.2f\n", op[i].name, best_of(3, op[i].once));
    printf("rss_MB %ld\n", rss_kb() >> 10);
    return 0;
}
