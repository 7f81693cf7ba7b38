/* thread_program.c - programs with threads and no goroutine: what belongs to threads,
 * and every way to wait. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cases.h"
#include "case_threads.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static int x, y;

typedef void *body(void *);

static void several(int n, body *fn)
{
    pthread_t t[8];
    for (int i = 0; i < n; i++)
        t[i] = start(fn, (void *)(long)i);
    for (int i = 0; i < n; i++)
        join(t[i]);
}

static struct timespec soon(clockid_t clock)
{
    struct timespec t;
    check(clock_gettime(clock, &t) == 0);
    t.tv_sec += 20;
    return t;
}

/* ---- memory of a thread ---- */

static __thread int own, own_table[64];

static void *uses_its_own(void *arg)
{
    for (int i = 0; i < 64; i++)
        own_table[i] += own++;
    return arg;
}

SILENT(thread_local_memory_used_again)
{
    for (int i = 0; i < 100; i++)
        several(2, uses_its_own);
    for (int i = 0; i < 50; i++) {
        pthread_attr_t a;
        pthread_t t;
        pthread_attr_init(&a);
        pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
        check(pthread_create(&t, &a, uses_its_own, NULL) == 0);
    }
}

static int *lent;

static void *lends(void *arg)
{
    own = 1;
    __atomic_store_n(&lent, &own, __ATOMIC_RELEASE);
    step_to(1);
    step_to(3);
    return arg;
}

REPORT(thread_local_memory_of_another, "DATA RACE")
{
    pthread_t t = start(lends, NULL);
    await_step(1);
    own = 5;
    int *p = __atomic_load_n(&lent, __ATOMIC_RELAXED);
    *p = 2;
    step_to(2);
    join(t);
}

static pthread_key_t key;

static void destroys(void *p)
{
    *(int *)p = 0;
    x++;
    free(p);
}

static void *sets_key(void *arg)
{
    int *p = malloc(sizeof *p);
    *p = 5;
    check(pthread_setspecific(key, p) == 0);
    check(*(int *)pthread_getspecific(key) == 5);
    return arg;
}

SILENT(destructors_of_keys)
{
    check(pthread_key_create(&key, destroys) == 0);
    for (int i = 0; i < 20; i++)
        join(start(sets_key, NULL));
    check(x == 20);
    tss_t t;
    check(tss_create(&t, destroys) == thrd_success);
    tss_delete(t);
}

REPORT(destructors_of_two_threads, "DATA RACE")
{
    check(pthread_key_create(&key, destroys) == 0);
    several(2, sets_key);
}

/* ---- every way to wait ---- */

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;

static void *locks_mutexes(void *arg)
{
    for (int i = 0; i < 60; i++) {
        struct timespec real = soon(CLOCK_REALTIME), mono = soon(CLOCK_MONOTONIC);
        switch (i % 4) {
        case 0:
            check(pthread_mutex_timedlock(&mu, &real) == 0);
            break;
        case 1:
            check(pthread_mutex_clocklock(&mu, CLOCK_MONOTONIC, &mono) == 0);
            break;
        case 2:
            while (pthread_mutex_trylock(&mu) != 0)
                sched_yield();
            break;
        default:
            check(pthread_mutex_lock(&mu) == 0);
        }
        x++;
        check(pthread_mutex_unlock(&mu) == 0);
    }
    return arg;
}

SILENT(mutexes_in_every_way)
{
    several(3, locks_mutexes);
    check(x == 180);
}

static void *locks_for_writing_or_reading(void *arg)
{
    for (int i = 0; i < 60; i++) {
        struct timespec real = soon(CLOCK_REALTIME), mono = soon(CLOCK_MONOTONIC);
        int write = i % 2;
        switch (i % 8) {
        case 0:
            check(pthread_rwlock_timedrdlock(&rw, &real) == 0);
            break;
        case 1:
            check(pthread_rwlock_timedwrlock(&rw, &real) == 0);
            break;
        case 2:
            check(pthread_rwlock_clockrdlock(&rw, CLOCK_MONOTONIC, &mono) == 0);
            break;
        case 3:
            check(pthread_rwlock_clockwrlock(&rw, CLOCK_MONOTONIC, &mono) == 0);
            break;
        case 4:
            while (pthread_rwlock_tryrdlock(&rw) != 0)
                sched_yield();
            break;
        case 5:
            while (pthread_rwlock_trywrlock(&rw) != 0)
                sched_yield();
            break;
        case 6:
            check(pthread_rwlock_rdlock(&rw) == 0);
            break;
        default:
            check(pthread_rwlock_wrlock(&rw) == 0);
        }
        if (write)
            x++;
        else
            check(x >= 0);
        check(pthread_rwlock_unlock(&rw) == 0);
    }
    return arg;
}

SILENT(rwlocks_in_every_way)
{
    several(3, locks_for_writing_or_reading);
    check(x == 90);
}

static void *waits_for_y(void *arg)
{
    struct timespec real = soon(CLOCK_REALTIME), mono = soon(CLOCK_MONOTONIC);
    check(pthread_mutex_lock(&mu) == 0);
    while (y == 0) {
        if (arg == (void *)0)
            check(pthread_cond_wait(&cond, &mu) == 0);
        else if (arg == (void *)1)
            check(pthread_cond_timedwait(&cond, &mu, &real) == 0);
        else
            check(pthread_cond_clockwait(&cond, &mu, CLOCK_MONOTONIC, &mono) == 0);
    }
    check(pthread_mutex_unlock(&mu) == 0);
    return arg;
}

static void *sets_y(void *arg)
{
    check(pthread_mutex_lock(&mu) == 0);
    y = 1;
    pthread_cond_broadcast(&cond);
    check(pthread_mutex_unlock(&mu) == 0);
    return arg;
}

SILENT(conditions_in_every_way)
{
    pthread_t t[4];
    for (long i = 0; i < 3; i++)
        t[i] = start(waits_for_y, (void *)i);
    t[3] = start(sets_y, NULL);
    for (int i = 0; i < 4; i++)
        join(t[i]);
}

static pthread_mutex_t robust;

static void *dies_with_it(void *arg)
{
    check(pthread_mutex_lock(&robust) == 0);
    x = 1;
    return arg;
}

SILENT(robust_mutex_of_the_dead)
{
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    check(pthread_mutex_init(&robust, &a) == 0);
    pthread_t t = start(dies_with_it, NULL);
    int err;
    while ((err = pthread_mutex_trylock(&robust)) == EBUSY || (err == 0 && x == 0)) {
        if (err == 0)
            check(pthread_mutex_unlock(&robust) == 0);
        sched_yield();
    }
    check(err == EOWNERDEAD);
    x = 2;
    check(pthread_mutex_consistent(&robust) == 0);
    check(pthread_mutex_unlock(&robust) == 0);
    join(t);
    check(pthread_mutex_destroy(&robust) == 0);
}

static sem_t *named;

static void *posts_named(void *arg)
{
    x = 1;
    check(sem_post(named) == 0);
    return arg;
}

SILENT(named_semaphore)
{
    char name[64];
    snprintf(name, sizeof name, "/goshawk-%d", (int)getpid());
    named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
    check(named != SEM_FAILED);
    check(sem_unlink(name) == 0);
    pthread_t t = start(posts_named, NULL);
    struct timespec real = soon(CLOCK_REALTIME);
    check(sem_timedwait(named, &real) == 0);
    x = 2;
    join(t);
    check(sem_close(named) == 0);
}

static mtx_t c11;
static cnd_t c11_cond;
static once_flag c11_once = ONCE_FLAG_INIT;

static void sets_x(void)
{
    x = 1;
}

static int c11_body(void *arg)
{
    struct timespec real = soon(CLOCK_REALTIME);
    call_once(&c11_once, sets_x);
    check(mtx_timedlock(&c11, &real) == thrd_success);
    x++;
    y++;
    check(cnd_broadcast(&c11_cond) == thrd_success);
    while (y < 3)
        check(cnd_timedwait(&c11_cond, &c11, &real) == thrd_success);
    check(mtx_unlock(&c11) == thrd_success);
    thrd_exit(arg ? 7 : 8);
}

SILENT(c11_in_every_way)
{
    thrd_t t[3];
    int ret;
    check(mtx_init(&c11, mtx_timed | mtx_recursive) == thrd_success);
    check(cnd_init(&c11_cond) == thrd_success);
    for (int i = 0; i < 3; i++)
        check(thrd_create(&t[i], c11_body, i ? &x : NULL) == thrd_success);
    for (int i = 0; i < 3; i++)
        check(thrd_join(t[i], &ret) == thrd_success && ret == (i ? 7 : 8));
    check(x == 4);
    cnd_destroy(&c11_cond);
    mtx_destroy(&c11);
}

/* ---- a lock made of atomics and futex(2) ---- */

static atomic_uint word;

static void futex(int op, unsigned value)
{
    syscall(SYS_futex, &word, op, value, NULL, NULL, 0);
}

static void *locks_a_word(void *arg)
{
    for (int i = 0; i < 300; i++) {
        unsigned free_word = 0;
        if (!atomic_compare_exchange_strong_explicit(&word, &free_word, 1, memory_order_acquire,
                                                     memory_order_relaxed))
            while (atomic_exchange_explicit(&word, 2, memory_order_acquire) != 0)
                futex(FUTEX_WAIT_PRIVATE, 2);
        x++;
        if (atomic_exchange_explicit(&word, 0, memory_order_release) == 2)
            futex(FUTEX_WAKE_PRIVATE, 1);
    }
    return arg;
}

SILENT(lock_of_ones_own)
{
    several(3, locks_a_word);
    check(x == 900);
}

/* ---- descriptors ---- */

static int ends[2];

static void *writes_to(void *fd)
{
    long one = 1;
    x = 1;
    check(write((int)(long)fd, &one, sizeof one) == sizeof one);
    return NULL;
}

static void reads_from(int to, int from)
{
    long one = 0;
    pthread_t t = start(writes_to, (void *)(long)to);
    check(read(from, &one, sizeof one) == sizeof one && one == 1);
    x = 2;
    join(t);
}

SILENT(pipes_and_their_kin)
{
    check(pipe2(ends, O_CLOEXEC) == 0);
    reads_from(ends[1], ends[0]);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    reads_from(ends[1], ends[0]);
    int fd = eventfd(0, EFD_SEMAPHORE);
    reads_from(fd, fd);
}

SILENT(readiness_orders)
{
    struct epoll_event e = {.events = EPOLLIN}, got;
    check(pipe(ends) == 0);
    int set = epoll_create1(0);
    check(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &e) == 0);
    pthread_t t = start(writes_to, (void *)(long)ends[1]);
    check(epoll_wait(set, &got, 1, -1) == 1);
    long one;
    check(read(ends[0], &one, sizeof one) == sizeof one);
    x = 2;
    join(t);
}

static void *sends_a_file(void *arg)
{
    int fd = memfd_create("file", 0);
    off_t at = 0;
    check(write(fd, "12345678", 8) == 8);
    x = 1;
    check(sendfile(ends[1], fd, &at, 8) == 8);
    close(fd);
    return arg;
}

static void *splices(void *arg)
{
    int two[2];
    check(pipe(two) == 0 && write(two[1], "12345678", 8) == 8);
    x = 1;
    check(splice(two[0], NULL, ends[1], NULL, 8, 0) == 8);
    return arg;
}

SILENT(sendfile_and_splice)
{
    char buf[8];
    check(pipe(ends) == 0);
    pthread_t t = start(sends_a_file, NULL);
    check(read(ends[0], buf, 8) == 8);
    x = 2;
    join(t);
    t = start(splices, NULL);
    check(read(ends[0], buf, 8) == 8);
    x = 2;
    join(t);
}

static mqd_t queue;

static void *sends_a_message(void *arg)
{
    x = 1;
    check(mq_send(queue, "hello", 5, 1) == 0);
    return arg;
}

SILENT(message_queue)
{
    struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 16};
    char name[64], buf[16];
    snprintf(name, sizeof name, "/goshawk-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a);
    if (queue == (mqd_t)-1)
        return; /* this kernel has none */
    mq_unlink(name);
    pthread_t t = start(sends_a_message, NULL);
    check(mq_receive(queue, buf, sizeof buf, NULL) == 5);
    x = 2;
    join(t);
    mq_close(queue);
}

static sem_t ticked;
static int setting;

static void ticks(union sigval v)
{
    check(v.sival_int == 3);
    sem_post(&ticked);
}

static void *waits_for_ticks(void *arg)
{
    check(sem_wait(&ticked) == 0);
    check(setting == 5);
    return arg;
}

SILENT(timer_with_a_thread)
{
    struct sigevent e = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = ticks, .sigev_value.sival_int = 3};
    struct itimerspec now = {.it_value.tv_nsec = 1000000};
    timer_t timer;
    sem_init(&ticked, 0, 0);
    pthread_t t = start(waits_for_ticks, NULL);
    setting = 5;
    check(timer_create(CLOCK_MONOTONIC, &e, &timer) == 0);
    check(timer_settime(timer, 0, &now, NULL) == 0);
    join(t);
    timer_delete(timer);
}

/* ---- threads that nobody waits for ---- */

static sem_t gone;

static void *leaves(void *unused)
{
    sem_post(&gone);
    return unused;
}

/* Until the thread has ended: then the kernel knows it no more. */
static void await_end(void)
{
    struct stat st;
    sem_wait(&gone);
    do {
        sched_yield();
        check(stat("/proc/self/task", &st) == 0);
    } while (st.st_nlink > 3); /* ., .. and one for each thread */
}

CASE(thread_that_nobody_joins, "report_thread_leaks=1", "THREAD LEAK")
{
    sem_init(&gone, 0, 0);
    start(leaves, NULL);
    await_end();
}

CASE(thread_that_nobody_joins_unless_asked_for, "", "")
{
    sem_init(&gone, 0, 0);
    start(leaves, NULL);
    await_end();
}

CASE(detached_and_joined_threads_are_no_leak, "report_thread_leaks=1", "")
{
    sem_init(&gone, 0, 0);
    check(pthread_detach(start(leaves, NULL)) == 0);
    await_end();
    join(start(leaves, NULL));
    check(pthread_detach(start(leaves, NULL)) == 0);
    sem_wait(&gone);
}

static void *never_ends(void *unused)
{
    sem_post(&gone);
    for (;;)
        pause();
    return unused;
}

CASE(thread_that_still_runs_is_no_leak, "report_thread_leaks=1", "")
{
    sem_init(&gone, 0, 0);
    start(never_ends, NULL);
    sem_wait(&gone);
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
