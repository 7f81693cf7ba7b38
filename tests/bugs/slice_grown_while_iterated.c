/* slice_grown_while_iterated.c - a list is appended to while another goroutine walks it (a pattern
 * of etcd).
 *
 * The write buffer grows by moving to a larger array; the reader took no lock and walks an array
 * that is freed under it, or reads a length that belongs to the other one.  The repair walks a copy
 * that was made under the lock.
 *
 * shows: race append range_of
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    go_mutex mu;
    int *keys; /* guarded by mu, with len and cap */
    size_t len, cap;
};

static void append(struct buffer *b, int key)
{
    go_mutex_lock(&b->mu);
    if (b->len == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 2;
        b->keys = realloc(b->keys, b->cap * sizeof *b->keys);
    }
    b->keys[b->len++] = key;
    go_mutex_unlock(&b->mu);
}

static int range_of(struct buffer *b)
{
#ifdef REPAIRED
    go_mutex_lock(&b->mu);
    size_t n = b->len;
    int *keys = malloc(n * sizeof *keys + 1);
    if (n)
        memcpy(keys, b->keys, n * sizeof *keys);
    go_mutex_unlock(&b->mu);
#else
    size_t n = b->len;
    int *keys = b->keys;
#endif
    int sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += keys[i];
#ifdef REPAIRED
    free(keys);
#endif
    return sum;
}

static void put_all(struct buffer *b)
{
    for (int key = 1; key <= 9; key++)
        append(b, key);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct buffer b = {0};
    go_waitgroup wg = {0};
    append(&b, 100);
    go_waitgroup_go(&wg, put_all, &b);
    go_waitgroup_go(&wg, range_of, &b);
    go_waitgroup_wait(&wg);
    printf("%d\n", range_of(&b));
    free(b.keys);
    return 0;
}
