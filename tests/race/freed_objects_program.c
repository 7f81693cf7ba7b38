/* freed_objects_program.c - locks, conditions and other objects in freed memory, of threads and of
 * goroutines. */
#include "freed.h"

#include <goshawk.h>
#include <semaphore.h>
#include <stdbool.h>
#include <threads.h>

/* ---- of threads ---- */

REPORT(lock_of_a_freed_mutex, USE)
{
    pthread_mutex_t *volatile m = malloc(sizeof *m);
    pthread_mutex_init(m, NULL);
    drop(m);
    pthread_mutex_lock(m);
}

REPORT(unlock_of_a_freed_mutex, USE)
{
    pthread_mutex_t *volatile m = malloc(sizeof *m);
    pthread_mutex_init(m, NULL);
    pthread_mutex_lock(m);
    drop(m);
    pthread_mutex_unlock(m);
}

REPORT(lock_of_a_freed_rwlock, USE)
{
    pthread_rwlock_t *volatile l = malloc(sizeof *l);
    pthread_rwlock_init(l, NULL);
    drop(l);
    pthread_rwlock_rdlock(l);
}

REPORT(signal_of_a_freed_condition, USE)
{
    pthread_cond_t *volatile c = malloc(sizeof *c);
    pthread_cond_init(c, NULL);
    drop(c);
    pthread_cond_signal(c);
}

REPORT(post_of_a_freed_semaphore, USE)
{
    sem_t *volatile s = malloc(sizeof *s);
    sem_init(s, 0, 0);
    drop(s);
    sem_post(s);
}

REPORT(wait_for_a_freed_semaphore, USE)
{
    sem_t *volatile s = malloc(sizeof *s);
    sem_init(s, 0, 1);
    drop(s);
    sem_wait(s);
}

REPORT(lock_of_a_freed_c11_mutex, USE)
{
    mtx_t *volatile m = malloc(sizeof *m);
    mtx_init(m, mtx_plain);
    drop(m);
    mtx_lock(m);
}

REPORT(lock_of_a_freed_spin_lock, USE)
{
    pthread_spinlock_t *volatile s = malloc(sizeof *s);
    pthread_spin_init(s, 0);
    drop((void *)s);
    pthread_spin_lock(s);
}

struct guarded {
    pthread_mutex_t m;
    int users;
};

/* The other one may free it as soon as it is unlocked. */
static void *leave(void *arg)
{
    struct guarded *g = arg;
    pthread_mutex_lock(&g->m);
    bool last = --g->users == 0;
    pthread_mutex_unlock(&g->m);
    if (last) {
        pthread_mutex_destroy(&g->m);
        drop(g);
    }
    return NULL;
}

SILENT(last_user_frees_the_mutex)
{
    for (int k = 0; k < 50; k++) {
        struct guarded *g = malloc(sizeof *g);
        pthread_mutex_init(&g->m, NULL);
        g->users = 2;
        pthread_t a = start(leave, g), b = start(leave, g);
        join(a);
        join(b);
    }
}

/* Posted on its maker's stack or heap, which the maker leaves at once. */
static void *post(void *s)
{
    sem_post(s);
    return NULL;
}

SILENT(semaphore_is_freed_when_it_was_posted)
{
    for (int k = 0; k < 50; k++) {
        sem_t *s = malloc(sizeof *s);
        sem_init(s, 0, 0);
        pthread_t t = start(post, s);
        sem_wait(s);
        sem_destroy(s);
        drop(s);
        join(t);
    }
}

/* ---- of goroutines ---- */

struct counter {
    go_mutex mu;
    long n;
};

static struct counter *volatile counter;

static void count(go_waitgroup *wg, bool last)
{
    go_mutex_lock(&counter->mu);
    counter->n++;
    go_mutex_unlock(&counter->mu);
    if (last)
        drop(counter);
    go_waitgroup_done(wg);
}

/* A goroutine that is waited for counts, and frees the counter when it is told to. */
static void counted(bool last)
{
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 1);
    go(count, &wg, last);
    go_waitgroup_wait(&wg);
}

REPORT(goroutine_uses_what_another_freed_before, USE)
{
    counter = calloc(1, sizeof *counter);
    counted(true);
    counted(false);
}

SILENT(last_goroutine_frees)
{
    counter = calloc(1, sizeof *counter);
    counted(false);
    counted(true);
}

REPORT(unlock_of_a_freed_mutex_of_goroutines, USE)
{
    counter = calloc(1, sizeof *counter);
    go_mutex_lock(&counter->mu);
    drop(counter);
    go_mutex_unlock(&counter->mu);
}

REPORT(lock_of_a_freed_rwmutex_of_goroutines, USE)
{
    go_rwmutex *volatile m = calloc(1, sizeof *m);
    drop(m);
    go_rwmutex_rlock(m);
}

REPORT(release_of_a_freed_semaphore_of_goroutines, USE)
{
    go_sem *volatile s = calloc(1, sizeof *s);
    drop(s);
    go_sem_release(s, 1);
}

REPORT(wait_for_a_freed_waitgroup, USE)
{
    go_waitgroup *volatile wg = calloc(1, sizeof *wg);
    drop(wg);
    go_waitgroup_wait(wg);
}

REPORT(signal_of_a_freed_condition_of_goroutines, USE)
{
    go_cond *volatile c = calloc(1, sizeof *c);
    drop(c);
    go_cond_signal(c);
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
