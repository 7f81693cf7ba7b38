/* pthread_cases.c - threads that the program makes itself, and what they synchronise with. */
#include "race.h"

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <threads.h>
#include <unistd.h>

typedef void *body(void *);

static pthread_t start(body *fn)
{
    pthread_t t;
    if (pthread_create(&t, NULL, fn, NULL) != 0)
        abort();
    return t;
}

static void join(pthread_t t)
{
    if (pthread_join(t, NULL) != 0)
        abort();
}

/* Both run as threads; each steps for itself. */
static void both(body *a, body *b)
{
    pthread_t ta = start(a), tb = start(b);
    join(ta);
    join(tb);
}

FRAME void *put_x(void *arg)
{
    x = 1;
    step_to(1);
    return arg;
}

FRAME void *put_x_later(void *arg)
{
    await_step(1);
    x = 2;
    return arg;
}

/* ---- threads ---- */

// expect: write x in put_x_later / write x in put_x
RACE(two_threads)
{
    both(put_x, put_x_later);
}

// expect: write x in thread_and_goroutine / write x in put_x
RACE(thread_and_goroutine)
{
    pthread_t t = start(put_x);
    await_step(1);
    x = 2;
    join(t);
}

NORACE(create_and_join_order)
{
    x = 1;
    join(start(put_x));
    x = 2;
}

FRAME void *start_another(void *arg)
{
    join(start(put_x));
    return arg;
}

NORACE(join_of_a_thread_that_joined)
{
    join(start(start_another));
    x = 2;
}

// expect: write x in detached_is_not_joined / write x in put_x
RACE(detached_is_not_joined)
{
    pthread_detach(start(put_x));
    await_step(1);
    x = 2;
}

FRAME void *exits(void *arg)
{
    x = 1;
    pthread_exit(arg);
}

NORACE(pthread_exit_and_join)
{
    join(start(exits));
    x = 2;
}

static pthread_key_t key;

static void at_thread_end(void *p)
{
    *(int *)p = 5;
}

FRAME void *with_specific(void *arg)
{
    pthread_setspecific(key, &x);
    return arg;
}

NORACE(destructor_of_specific_data_before_join)
{
    pthread_key_create(&key, at_thread_end);
    join(start(with_specific));
    x = 2;
}

FRAME void *touch_own_stack(void *arg)
{
    volatile int here[100];
    for (int i = 0; i < 100; i++)
        here[i] = i;
    return here[5] == 5 ? arg : NULL;
}

NORACE(stack_of_an_ended_thread_is_used_again)
{
    for (int i = 0; i < 20; i++) {
        pthread_detach(start(touch_own_stack));
        join(start(touch_own_stack));
    }
}

static int *shared_local;

FRAME void *put_through_pointer(void *arg)
{
    *shared_local = 2;
    step_to(1);
    return arg;
}

// expect: write local in variable_on_a_stack / write shared_local in put_through_pointer
RACE(variable_on_a_stack)
{
    volatile int local = 0;
    shared_local = (int *)&local;
    pthread_t t = start(put_through_pointer);
    await_step(1);
    local = 1;
    join(t);
}

static jmp_buf env;

FRAME int jump(int depth)
{
    if (depth > 0)
        return jump(depth - 1) + z; /* no tail call */
    if (z == 0)
        longjmp(env, 1);
    return 0;
}

FRAME void *put_after_jumps(void *arg)
{
    for (volatile int i = 0; i < 1000; i++)
        if (setjmp(env) == 0)
            jump(5);
    x = 1;
    step_to(1);
    return arg;
}

// expect: write x in put_x_later / write x in put_after_jumps
RACE(stack_is_right_after_longjmp)
{
    both(put_after_jumps, put_x_later);
}

/* ---- locks ---- */

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

FRAME void *add_locked(void *arg)
{
    for (int i = 0; i < 200; i++) {
        if (i % 2)
            pthread_mutex_lock(&mu);
        else
            while (pthread_mutex_trylock(&mu) != 0)
                ;
        x++;
        pthread_mutex_unlock(&mu);
    }
    return arg;
}

NORACE(mutex)
{
    both(add_locked, add_locked);
}

FRAME void *put_locked(void *arg)
{
    pthread_mutex_lock(&mu);
    x = 1;
    pthread_mutex_unlock(&mu);
    step_to(1);
    return arg;
}

// expect: write x in put_x_later / write x in put_locked
RACE(mutex_on_one_side_only)
{
    both(put_locked, put_x_later);
}

static pthread_spinlock_t spin;

FRAME void *add_spinning(void *arg)
{
    for (int i = 0; i < 50; i++) {
        pthread_spin_lock(&spin);
        x++;
        pthread_spin_unlock(&spin);
    }
    return arg;
}

NORACE(spin_lock)
{
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    both(add_spinning, add_spinning);
    pthread_spin_destroy(&spin);
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;

FRAME void *write_rw(void *arg)
{
    for (int i = 0; i < 100; i++) {
        pthread_rwlock_wrlock(&rw);
        x++;
        pthread_rwlock_unlock(&rw);
    }
    return arg;
}

FRAME void *read_rw(void *arg)
{
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        pthread_rwlock_rdlock(&rw);
        sum += x;
        pthread_rwlock_unlock(&rw);
    }
    z = sum;
    return arg;
}

NORACE(rwlock)
{
    both(write_rw, read_rw);
}

FRAME void *put_reading(void *arg)
{
    pthread_rwlock_rdlock(&rw);
    x = 1;
    pthread_rwlock_unlock(&rw);
    step_to(1);
    return arg;
}

FRAME void *put_reading_later(void *arg)
{
    await_step(1);
    pthread_rwlock_rdlock(&rw);
    x = 2;
    pthread_rwlock_unlock(&rw);
    return arg;
}

// expect: write x in put_reading_later / write x in put_reading
RACE(readers_are_not_ordered)
{
    both(put_reading, put_reading_later);
}

static pthread_mutex_t *heap_mu;

FRAME void *use_mutex(void *arg)
{
    pthread_mutex_lock(heap_mu);
    pthread_mutex_unlock(heap_mu);
    step_to(1);
    return arg;
}

// expect: free heap_mu in mutex_freed_while_in_use / read heap_mu in use_mutex
RACE(mutex_freed_while_in_use)
{
    heap_mu = malloc(sizeof *heap_mu);
    pthread_mutex_init(heap_mu, NULL);
    pthread_t t = start(use_mutex);
    await_step(1);
    free(heap_mu);
    join(t);
}

/* ---- conditions, barriers, once, semaphores ---- */

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int ready;

FRAME void *signal_it(void *arg)
{
    x = 1;
    pthread_mutex_lock(&mu);
    ready = 1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mu);
    return arg;
}

FRAME void *wait_for_it(void *arg)
{
    pthread_mutex_lock(&mu);
    while (!ready)
        pthread_cond_wait(&cond, &mu);
    pthread_mutex_unlock(&mu);
    x = 2;
    return arg;
}

NORACE(condition)
{
    both(wait_for_it, signal_it);
}

static pthread_barrier_t barrier;

FRAME void *even_rounds(void *arg)
{
    for (int i = 0; i < 50; i++) {
        x++;
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

FRAME void *odd_rounds(void *arg)
{
    for (int i = 0; i < 50; i++) {
        pthread_barrier_wait(&barrier);
        x++;
        pthread_barrier_wait(&barrier);
    }
    return arg;
}

NORACE(barrier_rounds)
{
    pthread_barrier_init(&barrier, NULL, 2);
    both(even_rounds, odd_rounds);
    pthread_barrier_destroy(&barrier);
}

FRAME void *put_between_barriers(void *arg)
{
    pthread_barrier_wait(&barrier);
    x = 1;
    step_to(1);
    pthread_barrier_wait(&barrier);
    return arg;
}

FRAME void *put_between_barriers_later(void *arg)
{
    pthread_barrier_wait(&barrier);
    await_step(1);
    x = 2;
    pthread_barrier_wait(&barrier);
    return arg;
}

FRAME void *put_and_meet(void *arg)
{
    x = 1;
    pthread_barrier_wait(&barrier);
    return arg;
}

FRAME void *meet_and_step(void *arg)
{
    pthread_barrier_wait(&barrier);
    step_to(1);
    return arg;
}

FRAME void *meet_twice(void *arg)
{
    await_step(1);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

FRAME void *meet_twice_and_put(void *arg)
{
    await_step(1);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    x = 2;
    return arg;
}

// expect: write x in meet_twice_and_put / write x in put_and_meet
RACE(barrier_rounds_of_other_threads)
{
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t ta = start(put_and_meet), tb = start(meet_and_step);
    both(meet_twice, meet_twice_and_put);
    join(ta);
    join(tb);
    pthread_barrier_destroy(&barrier);
}

// expect: write x in put_between_barriers_later / write x in put_between_barriers
RACE(between_two_barriers)
{
    pthread_barrier_init(&barrier, NULL, 2);
    both(put_between_barriers, put_between_barriers_later);
    pthread_barrier_destroy(&barrier);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_x(void)
{
    x = 1;
}

FRAME void *use_once(void *arg)
{
    pthread_once(&once, make_x);
    return arg ? arg : (void *)(intptr_t)x;
}

NORACE(once_function)
{
    both(use_once, use_once);
}

static sem_t sem;

FRAME void *post(void *arg)
{
    x = 1;
    sem_post(&sem);
    return arg;
}

FRAME void *wait_sem(void *arg)
{
    while (sem_wait(&sem) != 0)
        ;
    x = 2;
    return arg;
}

NORACE(semaphore)
{
    sem_init(&sem, 0, 0);
    both(post, wait_sem);
    sem_destroy(&sem);
}

/* ---- the same by the names of C11 ---- */

static mtx_t c11_mu;
static cnd_t c11_cond;
static once_flag c11_once = ONCE_FLAG_INIT;

static int c11_add(void *arg)
{
    call_once(&c11_once, make_x);
    mtx_lock(&c11_mu);
    x += arg == NULL;
    ready++;
    cnd_broadcast(&c11_cond);
    while (ready < 2)
        cnd_wait(&c11_cond, &c11_mu);
    mtx_unlock(&c11_mu);
    return 7;
}

NORACE(c11_threads)
{
    thrd_t a, b;
    int got = 0;
    mtx_init(&c11_mu, mtx_plain);
    cnd_init(&c11_cond);
    if (thrd_create(&a, c11_add, NULL) != thrd_success || thrd_create(&b, c11_add, NULL) != 0)
        abort();
    if (thrd_join(a, &got) != thrd_success || got != 7 || thrd_join(b, NULL) != thrd_success)
        abort();
    x++;
    mtx_destroy(&c11_mu);
}

FRAME int c11_put(void *arg)
{
    x = arg == NULL;
    step_to(1);
    return 0;
}

// expect: write x in c11_thread_races / write x in c11_put
RACE(c11_thread_races)
{
    thrd_t t;
    if (thrd_create(&t, c11_put, NULL) != thrd_success)
        abort();
    await_step(1);
    x = 2;
    thrd_join(t, NULL);
}

/* ---- what libc rounds a block up to ---- */

static char *lent;

FRAME void *give_back(void *arg)
{
    free(lent);
    step_to(1);
    return arg;
}

FRAME void *use_it_all(void *arg)
{
    await_step(1);
    volatile char *p = malloc(2985); /* as large as lent to libc, which gives it out again */
    size_t n = malloc_usable_size((char *)p);
    if (n < 2985)
        abort();
    for (size_t i = 0; i < n; i++)
        p[i] = 1;
    free((char *)p);
    return arg;
}

NORACE(all_that_malloc_usable_size_says)
{
    lent = malloc(3000);
    pthread_t t = start(give_back);
    use_it_all(NULL);
    join(t);
}
