/* test_worker.c - threads that run goroutines: made when there is work for them, and only then. */
#include "in_child.h"
#include "in_go.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include "proc.h"
#include "scheduler.h"

static uint32_t listed(void)
{
    uint32_t n = 0;
    for (struct m *m = worker_all(); m; m = m->next_all)
        n++;
    return n;
}

static int one_goroutine(int argc, char **argv)
{
    for (int i = 0; i < 1000; i++)
        go_yield();
    CHECK(worker_count() == 1 && listed() == 1);
    struct m *m = worker_all();
    CHECK(m == rt_self()->m && m->g == rt_self() && m->p && m->p->m == m);
    CHECK(pthread_equal(m->thread, pthread_self()) && m->tid != getpid());
    return argc && argv;
}

Test(worker, one_is_enough_for_one)
{
    struct child c = in_child(one_goroutine, "GOMAXPROCS=1", "GOSHAWK_DEBUG=", NULL);
    EXPECT_STATUS(&c, 0);
}

static uint32_t here, leave;

static void waits_for_all(void *arg)
{
    uint32_t n = (uint32_t)(uintptr_t)arg;
    __atomic_fetch_add(&here, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&here, __ATOMIC_RELAXED) < n)
        ; /* no yield: each needs a thread of its own */
    __atomic_fetch_add(&leave, 1, __ATOMIC_RELAXED);
}

static int all_run_at_once(int argc, char **argv)
{
    for (uintptr_t n = 1; n <= 8; n++) {
        go_maxprocs((int)n);
        here = 0;
        for (uintptr_t i = 0; i < n; i++)
            start(waits_for_all, (void *)n);
        finish();
    }
    CHECK(leave == 36);
    /* who spins for longer than its slice goes on without a P, and another M takes that */
    CHECK(worker_count() >= 8 && listed() >= 8);
    return argc && argv;
}

/* The goroutines spin until all of them run: a P left without an M would hang this. */
Test(worker, goroutines_run_on_as_many_as_there_are_processors, .timeout = 60)
{
    for (int i = 0; i < 5; i++) {
        struct child c = in_child(all_run_at_once, NULL);
        EXPECT_STATUS(&c, 0);
        free(c.out);
    }
}

static uint32_t blocked;

static void blocks(void *arg)
{
    (void)arg;
    go_blocking_begin();
    __atomic_fetch_add(&blocked, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&blocked, __ATOMIC_RELAXED) < 20)
        usleep(100); /* sleeps: until all threads block here */
    go_blocking_end();
}

/* Until those that have no work are known to have none: who has not come to his sleep yet is not
 * used again, and another thread is made. */
static void await_idle(void)
{
    struct go_metrics m = {.size = sizeof m};
    do {
        go_yield();
        CHECK(go_metrics_read(&m) == 0);
    } while (m.m_idle + 2 < m.m_total);
}

static int many_block(int argc, char **argv)
{
    for (int round = 0; round < 5; round++) {
        await_idle();
        blocked = 0;
        for (int i = 0; i < 20; i++)
            start(blocks, NULL);
        finish();
    }
    CHECK(worker_count() >= 20 && worker_count() <= 25); /* idle ones are used again */
    return argc && argv;
}

Test(worker, blocked_threads_are_replaced_and_reused)
{
    struct child c = in_child(many_block, "GOMAXPROCS=2", NULL);
    EXPECT_STATUS(&c, 0);
}

IN_GO(worker, ids_and_threads_are_unique)
{
    for (int i = 0; i < 20; i++)
        start(blocks, NULL);
    finish();
    for (struct m *m = worker_all(); m; m = m->next_all)
        for (struct m *n = m->next_all; n; n = n->next_all)
            CHECK(m->id != n->id && m->tid != n->tid && m->sched_sp != n->sched_sp);
}

static bool used[10000];

/* Every thread has an id that no other has had. */
static void ends_locked(void *arg)
{
    struct m *m = rt_self()->m;
    (void)arg;
    CHECK(m->id < 10000 && !used[m->id]);
    used[m->id] = true;
    go_lock_thread();
}

static int threads_end(int argc, char **argv)
{
    for (int i = 0; i < 100; i++) {
        start(ends_locked, NULL);
        finish();
        while (worker_count() > 4) /* hangs if none ends */
            go_yield();
    }
    CHECK(listed() <= 10); /* structs are used again */
    return argc && argv;
}

Test(worker, ends_with_a_goroutine_that_has_locked_it)
{
    struct child c = in_child(threads_end, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
}

static bool no_thread_is_to_be_had;

/* Takes libc's place. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (no_thread_is_to_be_had)
        return EAGAIN;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(thread, attr, fn, arg);
}

static int a_start_fails(int argc, char **argv)
{
    start(ends_locked, NULL);
    finish();
    while (listed() == worker_count()) /* until there is one to be used again */
        go_yield();
    no_thread_is_to_be_had = true;
    CHECK(!worker_start(NULL, true) && errno == EAGAIN);
    no_thread_is_to_be_had = false;
    for (struct m *m = worker_all(); m; m = m->next_all)
        CHECK(!m->spinning && !m->next_p);
    return argc && argv;
}

Test(worker, has_no_marks_when_its_thread_could_not_be_started)
{
    struct child c = in_child(a_start_fails, "GOMAXPROCS=1", NULL);
    EXPECT_STATUS(&c, 0);
}

static bool walked_enough;

/* Ms are never taken off the list, so it must never look shorter than before. */
static void *walks(void *arg)
{
    for (uint32_t n, most = 0; !__atomic_load_n(&walked_enough, __ATOMIC_RELAXED); most = n) {
        n = listed();
        CHECK(n >= most);
    }
    return arg;
}

static int threads_end_beside_a_walker(int argc, char **argv)
{
    pthread_t walker;
    CHECK(pthread_create(&walker, NULL, walks, NULL) == 0);
    for (int i = 0; i < 3000; i++) {
        start(ends_locked, NULL);
        finish();
    }
    __atomic_store_n(&walked_enough, true, __ATOMIC_RELAXED);
    CHECK(pthread_join(walker, NULL) == 0);
    return argc && argv;
}

/* Who locks a mutex walks over it, and must not miss the M that frees it. */
Test(worker, the_list_is_whole_while_an_M_on_it_is_used_again)
{
    struct child c = in_child(threads_end_beside_a_walker, "GOMAXPROCS=2", NULL);
    EXPECT_STATUS(&c, 0);
}
