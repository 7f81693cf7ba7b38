/* race_work.c - small programs under a race detector; see race_bench.h. */
#include "race_bench.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- matrix product ---- */

enum { SIDE = 160 };
static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

LOUD static void multiply(void)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            double sum = 0;
            for (int k = 0; k < SIDE; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

static QUIET double t_matrix(void)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        a[i / SIDE][i % SIDE] = b[i % SIDE][i / SIDE] = i;
    double t = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    multiply();
    sink = (uint64_t)c[SIDE / 2][SIDE / 3];
    return (clock_ns(CLOCK_THREAD_CPUTIME_ID) - t) / (SIDE * SIDE * SIDE);
}

/* ---- quicksort ---- */

enum { ITEMS = 200000 };

LOUD static void quicksort(uint32_t *v, long n)
{
    while (n > 1) {
        uint32_t pivot = v[n / 2];
        long i = 0, j = n - 1;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        quicksort(v, j + 1);
        v += i;
        n -= i;
    }
}

LOUD static void sort_numbers(void)
{
    uint32_t *v = (uint32_t *)data, state = 1;
    for (long i = 0; i < ITEMS; i++)
        v[i] = next_random(&state);
    quicksort(v, ITEMS);
}

TIMED(t_quicksort, ITEMS, sort_numbers())

/* ---- binary tree ---- */

struct node {
    struct node *left, *right;
};

LOUD static struct node *grow(int depth)
{
    struct node *n = malloc(sizeof *n);
    n->left = depth ? grow(depth - 1) : NULL;
    n->right = depth ? grow(depth - 1) : NULL;
    return n;
}

LOUD static long count(const struct node *n)
{
    return n ? 1 + count(n->left) + count(n->right) : 0;
}

LOUD static void fell(struct node *n)
{
    if (!n)
        return;
    fell(n->left);
    fell(n->right);
    free(n);
}

LOUD static void tree(void)
{
    struct node *n = grow(15);
    for (int i = 0; i < 5; i++)
        sink = (uint64_t)count(n);
    fell(n);
}

TIMED(t_tree, 1 << 16, tree())

/* ---- a hash table under a mutex, one thread and two ---- */

enum { BUCKETS = 1 << 14, KEYS = 1 << 13, LOOKUPS = 100000 };

static struct {
    pthread_mutex_t mutex;
    struct {
        uint32_t key, value;
    } bucket[BUCKETS];
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

LOUD static uint32_t bump(uint32_t key)
{
    uint32_t i = key * 0x9e3779b1u >> 18;
    while (table.bucket[i].key != 0 && table.bucket[i].key != key)
        i = (i + 1) % BUCKETS;
    table.bucket[i].key = key;
    return ++table.bucket[i].value;
}

static void *use_table(void *arg)
{
    uint32_t state = 1 + (uint32_t)(uintptr_t)arg;
    for (long i = 0; i < LOOKUPS; i++) {
        uint32_t key = next_random(&state) % KEYS + 1;
        pthread_mutex_lock(&table.mutex);
        bump(key);
        pthread_mutex_unlock(&table.mutex);
    }
    return NULL;
}

LOUD static void use_table_together(void)
{
    pthread_t t[2];
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, use_table, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

TIMED(t_table, LOOKUPS, use_table(NULL))
ON_WALL(t_table_2, 2 * LOOKUPS, use_table_together())

/* ---- text: bytes, strings, copies; like a compressor's inner loops ---- */

LOUD static uint32_t find_matches(const unsigned char *p, uint32_t *last, long n)
{
    uint32_t found = 0;
    for (long i = 0; i + 3 < n; i++) {
        uint32_t h =
            (p[i] | (uint32_t)p[i + 1] << 8 | (uint32_t)p[i + 2] << 16) * 0x9e3779b1u >> 18;
        const unsigned char *q = p + last[h];
        int length = 0;
        while (length < 32 && i + length < n && q[length] == p[i + length])
            length++;
        found += length > 3;
        last[h] = (uint32_t)i;
    }
    return found;
}

enum { TEXT = 256 << 10 };

LOUD static void compress_text(void)
{
    unsigned char *p = (unsigned char *)data;
    uint32_t state = 1, *last = calloc(1 << 14, sizeof *last);
    for (long i = 0; i < TEXT; i += 8) {
        memset(p + i, 'a' + (int)(next_random(&state) % 5), 8);
        p[i + 3] = (unsigned char)next_random(&state);
    }
    sink = find_matches(p, last, TEXT);
    free(last);
}

TIMED(t_text, TEXT, compress_text())

const struct race_op race_work[] = {
    {"matrix_product", t_matrix},
    {"quicksort", t_quicksort},
    {"binary_tree", t_tree},
    {"hash_table_mutex", t_table},
    {"hash_table_two_threads", t_table_2},
    {"match_finder", t_text},
    {NULL, NULL},
};
