/* freed_program.c - memory that is used after it was freed: by order, and without; and what only
 * looks like it. */
#include "freed.h"

#include <malloc.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

struct item {
    long value;
    char name[20];
    _Atomic int refs;
};

static struct item *volatile shared;
static volatile long sink;

static struct item *make_item(void)
{
    struct item *i = calloc(1, sizeof *i);
    check(i);
    return i;
}

static void *drop_shared(void *unused)
{
    drop(shared);
    return unused;
}

/* ---- by the same thread ---- */

REPORT(write_after_free, USE)
{
    struct item *volatile i = make_item();
    drop(i);
    i->value = 1;
}

REPORT(read_after_free, USE)
{
    struct item *volatile i = make_item();
    i->value = 3;
    drop(i);
    sink = i->value;
}

REPORT(byte_at_the_end_after_free, USE)
{
    char *volatile p = malloc(37);
    p[36] = 1;
    drop(p);
    sink = p[36];
}

REPORT(atomic_after_free, USE)
{
    struct item *volatile i = make_item();
    drop(i);
    atomic_fetch_add(&i->refs, 1);
}

REPORT(memcpy_from_a_freed_block, USE)
{
    char to[24];
    struct item *volatile i = make_item();
    drop(i);
    memcpy(to, (char *)i, sizeof to);
    sink = to[3];
}

REPORT(strlen_of_a_freed_string, USE)
{
    char *volatile s = strdup("a string of some length");
    drop(s);
    sink = (long)strlen(s);
}

REPORT(use_of_a_large_block_after_free, USE)
{
    char *volatile p = malloc(300000);
    p[100] = 1;
    drop(p);
    p[250000] = 2;
}

/* Written to before, in the same function and at the same moment: what is known of the block before
 * its free must not hide what comes after. */
REPORT(same_line_before_and_after_free, USE)
{
    struct item *volatile i = make_item();
    for (int k = 0; k < 2; k++) {
        i->value = k;
        if (k == 0)
            drop(i);
    }
}

REPORT(use_of_a_list_item_that_its_loop_frees, USE)
{
    struct node {
        struct node *next;
        long n;
    } *volatile list = NULL;
    for (int k = 0; k < 3; k++) {
        struct node *n = malloc(sizeof *n);
        n->next = list;
        n->n = k;
        list = n;
    }
    for (struct node *n = list; n; n = n->next)
        drop(n);
}

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

REPORT(qsort_of_a_freed_array, USE)
{
    int *volatile a = malloc(4 * sizeof *a);
    for (int k = 0; k < 4; k++)
        a[k] = 4 - k;
    drop(a);
    qsort(a, 4, sizeof *a, by_size);
}

/* ---- realloc ---- */

REPORT(use_of_the_old_place_after_realloc, USE)
{
    long *volatile old = malloc(64);
    old[0] = 1;
    long *volatile now = resize(old, 6400);
    check(now != old && now[0] == 1);
    old[0] = 2;
}

REPORT(use_after_realloc_to_nothing, USE)
{
    long *volatile p = malloc(64);
    p[0] = 1;
    check(resize(p, 0) == NULL);
    sink = p[0];
}

SILENT(realloc_keeps_what_it_must)
{
    unsigned char *p = malloc(1);
    for (size_t n = 1; n < 300000; n = n * 3 / 2 + 1) {
        memset(p, (int)(n & 0xff), n);
        p = realloc(p, n * 3 / 2 + 1);
        for (size_t k = 0; k < n; k += 1 + n / 50)
            check(p[k] == (n & 0xff));
    }
    p = realloc(p, 10);
    p[9] = 1;
    free(p);
}

/* ---- twice ---- */

REPORT(free_twice, "DOUBLE FREE")
{
    void *p = make_item();
    drop(p);
    drop(p);
}

REPORT(free_twice_by_two_threads_in_order, "DOUBLE FREE")
{
    shared = make_item();
    join(start(drop_shared, NULL));
    drop(shared);
}

REPORT(realloc_of_a_freed_block, "DOUBLE FREE")
{
    char *volatile p = malloc(50);
    drop(p);
    p = resize(p, 100);
    p[99] = 1;
    drop(p);
}

/* ---- between threads ---- */

REPORT(use_after_the_thread_that_freed_it_was_joined, USE)
{
    shared = make_item();
    join(start(drop_shared, NULL));
    shared->value = 1;
}

static sem_t done;

static void *drop_and_post(void *unused)
{
    drop(shared);
    sem_post(&done);
    return unused;
}

REPORT(use_after_a_free_that_a_semaphore_orders, USE)
{
    sem_init(&done, 0, 0);
    shared = make_item();
    pthread_t t = start(drop_and_post, NULL);
    sem_wait(&done);
    sink = shared->value;
    join(t);
}

static void *drop_unordered(void *unused)
{
    drop(shared);
    step_to(1);
    return unused;
}

REPORT(free_twice_by_two_threads_that_nothing_orders, "DOUBLE FREE (raced)")
{
    shared = make_item();
    pthread_t t = start(drop_unordered, NULL);
    await_step(1);
    drop(shared);
    join(t);
}

REPORT(use_after_a_free_that_nothing_orders_is_a_race, "DATA RACE")
{
    shared = make_item();
    pthread_t t = start(drop_unordered, NULL);
    await_step(1);
    shared->value = 1;
    join(t);
}

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void *use_locked(void *unused)
{
    pthread_mutex_lock(&mu);
    if (shared)
        shared->value++;
    pthread_mutex_unlock(&mu);
    return unused;
}

static void *drop_locked(void *keep)
{
    pthread_mutex_lock(&mu);
    drop(shared);
    if (!keep)
        shared = NULL;
    pthread_mutex_unlock(&mu);
    return NULL;
}

REPORT(freed_under_the_lock_and_used_under_the_lock, USE)
{
    shared = make_item();
    join(start(drop_locked, &mu));
    join(start(use_locked, NULL));
}

static void *use_half(void *half)
{
    sink = *(volatile int *)half;
    return NULL;
}

REPORT(half_of_a_word_was_written_just_before_the_free, USE)
{
    int *halves = malloc(2 * sizeof *halves);
    check(halves);
    halves[1] = 1;
    pthread_mutex_lock(&mu);
    pthread_mutex_unlock(&mu);
    halves[0] = 2;
    drop(halves);
    join(start(use_half, halves));
}

SILENT(freed_under_the_lock_and_looked_for_under_the_lock)
{
    shared = make_item();
    join(start(use_locked, NULL));
    join(start(drop_locked, NULL));
    join(start(use_locked, NULL));
}

static void *unref(void *arg)
{
    struct item *i = arg;
    check(i->value == 0);
    if (atomic_fetch_sub(&i->refs, 1) == 1)
        drop(i);
    return NULL;
}

SILENT(last_reference_frees)
{
    for (int k = 0; k < 50; k++) {
        struct item *i = make_item();
        i->refs = 2;
        pthread_t a = start(unref, i), b = start(unref, i);
        join(a);
        join(b);
    }
}

/* ---- what the quarantine must not change ---- */

SILENT(memory_comes_back)
{
    for (int k = 0; k < 20000; k++) {
        size_t n = (size_t)(k * 37 % 3000) + 1;
        unsigned char *p = malloc(n);
        check(p && malloc_usable_size(p) == n);
        memset(p, k & 0xff, n);
        check(p[n - 1] == (k & 0xff));
        free(p);
    }
    check(mallinfo2().uordblks < 8u << 20);
}

CASE(many_large_blocks_do_not_stay, "quarantine_size_mb=4", "")
{
    for (int k = 0; k < 300; k++) {
        char *p = malloc(1 << 20);
        p[k] = 1;
        free(p);
    }
    struct mallinfo2 m = mallinfo2();
    check(m.uordblks + m.hblkhd < 16u << 20);
}

static void *make_and_free(void *unused)
{
    for (int k = 0; k < 500; k++) {
        struct item *i = make_item();
        i->value = k;
        drop(i);
    }
    return unused;
}

SILENT(threads_end_with_blocks_in_quarantine)
{
    for (int k = 0; k < 40; k++) {
        pthread_t a = start(make_and_free, NULL), b = start(make_and_free, NULL);
        make_and_free(NULL);
        join(a);
        join(b);
    }
}

SILENT(child_of_a_fork_goes_on)
{
    make_and_free(NULL);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        for (int k = 0; k < 20; k++)
            make_and_free(NULL);
        _exit(0);
    }
    int status;
    check(waitpid(child, &status, 0) == child && status == 0);
}

CASE(child_of_a_fork_finds_its_own, "exitcode=7", USE)
{
    struct item *volatile i = make_item();
    drop(i);
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        i->value = 1;
        exit(0);
    }
    int status;
    check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    exit(66);
}

CASE(nothing_is_kept_when_asked, "quarantine_size_mb=0", "")
{
    void *volatile first = malloc(40);
    uintptr_t was = (uintptr_t)first;
    free(first);
    void *volatile next = malloc(40);
    check((uintptr_t)next == was);
    free(next);
}

/* Whoever looks at a block that has left the quarantine may see memory of libc's own. */
CASE(blocks_that_left_are_not_told_of, "quarantine_size_mb=1", "")
{
    struct item *volatile i = make_item();
    drop(i);
    for (int k = 0; k < 2000; k++)
        drop(make_item());
    sink = i->value;
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
