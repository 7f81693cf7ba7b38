/* cleanup_program.c - threads that end early, and what is to be cleaned up then.  Compiled with
 * -fexceptions, as C code is that C++ calls: the compiler's unwinder does the work. */
#include "cases.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static int cleaned, x;

static void clean(void *unused)
{
    (void)unused;
    cleaned++;
}

static void clean_variable(int *k)
{
    cleaned += *k;
}

static void *leave(void *how)
{
    int ten __attribute__((cleanup(clean_variable))) = 10;
    pthread_cleanup_push(clean, NULL);
    x++;
    if (how)
        pthread_exit(how);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

static void *start_and_join(void *how)
{
    pthread_t t;
    void *ret;
    check(pthread_create(&t, NULL, leave, how) == 0);
    if (!how)
        check(pthread_cancel(t) == 0);
    check(pthread_join(t, &ret) == 0);
    return ret;
}

SILENT(thread_that_exits)
{
    check(start_and_join("done") != NULL);
    check(cleaned == 11 && x == 1);
}

SILENT(thread_that_is_cancelled)
{
    check(start_and_join(NULL) == PTHREAD_CANCELED);
    check(cleaned == 11 || cleaned == 0); /* it may not have begun */
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void exits_at_first(void)
{
    if (x++ == 0)
        pthread_exit(NULL);
}

static void *use_once(void *unused)
{
    check(pthread_once(&once, exits_at_first) == 0);
    check(x == 2);
    return unused;
}

SILENT(once_whose_first_thread_exits)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        check(pthread_create(&t[i], NULL, use_once, NULL) == 0);
    for (int i = 0; i < 4; i++)
        check(pthread_join(t[i], NULL) == 0);
}

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void unlock(void *m)
{
    x++;
    check(pthread_mutex_unlock(m) == 0);
}

static void *wait_for_ever(void *unused)
{
    check(pthread_mutex_lock(&mu) == 0);
    pthread_cleanup_push(unlock, &mu);
    step_to(1);
    for (;;)
        pthread_cond_wait(&never, &mu);
    pthread_cleanup_pop(0);
    return unused;
}

SILENT(cancelled_wait_has_the_mutex)
{
    pthread_t t;
    check(pthread_create(&t, NULL, wait_for_ever, NULL) == 0);
    await_step(1);
    check(pthread_mutex_lock(&mu) == 0);
    x++;
    check(pthread_mutex_unlock(&mu) == 0);
    check(pthread_cancel(t) == 0);
    check(pthread_join(t, NULL) == 0);
    check(pthread_mutex_lock(&mu) == 0);
    check(x == 2);
    check(pthread_mutex_unlock(&mu) == 0);
}

static void *put(void *unused)
{
    pthread_cleanup_push(clean, NULL);
    step_to(1);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return unused;
}

REPORT(cleanup_is_not_ordered_with_cancel, "DATA RACE")
{
    pthread_t t;
    check(pthread_create(&t, NULL, put, NULL) == 0);
    await_step(1);
    cleaned = 1;
    check(pthread_cancel(t) == 0);
    check(pthread_detach(t) == 0);
    while (__atomic_load_n(&cleaned, __ATOMIC_RELAXED) != 2)
        sched_yield();
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
