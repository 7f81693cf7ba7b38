/* int_thread.c - interceptors of threads: creation, end, join.
 *
 * A thread's context is made by its creator, so that it is ordered after the creation, and taken by
 * the thread when it starts.  Threads of the runtime's scheduler are created with libc's own
 * function and get none.
 *
 * struct thread carries what creator, thread and joiner share.  It is found by pthread_t in a
 * table, into which whoever comes first enters it: the creator that returns, or the thread itself.
 * The thread ends in the last round of destructors of thread-specific data, after the user's, and
 * releases the record [hb-join]; a joiner acquires it after the real join. */
#include "intercept.h"
#include "futex.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <threads.h>

enum { BUCKETS = 1024 };

struct thread {
    struct thread *next; /* guarded by table_lock */
    pthread_t id;
    bool entered;  /* it is or was in the table; guarded by table_lock */
    bool detached; /* nobody will join it; likewise */
    bool ended;    /* likewise */
    int holders;   /* creator, thread, table; likewise */
    void *(*fn)(void *);
    int (*fn_c11)(void *); /* instead of fn, for thrd_create() */
    void *arg;
    struct rc_ctx *ctx;
    uint64_t object;        /* the clock of its end */
    struct rc_flow_id flow; /* for a report of a leak: ctx is gone then */
};

static struct rt_lock table_lock;
static struct thread *table[BUCKETS];
static uint64_t n_threads; /* ids of contexts; the first thread has 0 */

void threads_hold(void)
{
    rt_lock(&table_lock);
}

void threads_let_go(void)
{
    rt_unlock(&table_lock);
}

uint64_t rc_next_thread(void)
{
    return at_add_rlx(&n_threads, UINT64_C(1)) + 1; /* relaxed: a number */
}

static pthread_key_t end_key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static struct thread **bucket(pthread_t id)
{
    return &table[(uintptr_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

/* table_lock is held by the caller of these. */

static void let_go(struct thread *t)
{
    if (--t->holders == 0) {
        rc_forget(&t->object, sizeof t->object);
        rt_real_free(t);
    }
}

static void insert(struct thread *t)
{
    struct thread **b = bucket(t->id);
    t->next = *b;
    *b = t;
}

/* The first one to know its id calls this: its creator or itself. */
static void enter_table(struct thread *t, pthread_t id)
{
    if (t->entered)
        return;
    t->entered = true;
    t->id = id;
    t->holders++;
    insert(t);
}

static struct thread *leave_table(pthread_t id)
{
    for (struct thread **p = bucket(id); *p; p = &(*p)->next) {
        struct thread *t = *p;
        if (pthread_equal(t->id, id)) {
            *p = t->next;
            return t;
        }
    }
    return NULL;
}

static void thread_end(void *arg)
{
    static __thread int rounds;
    struct thread *t = arg;
    if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) { /* others' destructors first */
        pthread_setspecific(end_key, t);
        return;
    }
    rt_real_memcpy(t->flow.name, rc_life_of(t->ctx)->name, sizeof t->flow.name);
    rc_locks_abandoned(t->ctx);
    rc_release(t->ctx, &t->object); /* [hb-join] */
    rc_switch(NULL);
    rc_ctx_end(t->ctx);
    rc_thread_fini();
    rt_lock(&table_lock);
    t->ended = true;
    if (t->detached && leave_table(t->id))
        let_go(t);
    let_go(t);
    rt_unlock(&table_lock);
}

/* Those that ended and are still in the table: a copy of each is told, for a report takes long. */
static void find_leaks(void (*tell)(const struct rc_flow_id *thread))
{
    for (int i = 0; i < BUCKETS; i++) {
        for (unsigned at = 0;; at++) {
            struct rc_flow_id flow;
            unsigned n = 0;
            rt_lock(&table_lock);
            struct thread *t = table[i];
            while (t && (!t->ended || t->detached || n++ != at))
                t = t->next;
            if (t)
                flow = t->flow;
            rt_unlock(&table_lock);
            if (!t)
                break;
            tell(&flow);
        }
    }
}

static void make_key(void)
{
    rc_find_thread_leaks = find_leaks;
    pthread_key_create(&end_key, thread_end);
}

void threads_know_stack(struct rc_ctx *c)
{
    pthread_attr_t a;
    void *lo;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &a) != 0)
        return;
    if (pthread_attr_getstack(&a, &lo, &size) == 0)
        rc_ctx_stack(c, lo, size);
    pthread_attr_destroy(&a);
}

static void *thread_start(void *arg)
{
    struct thread *t = arg;
    rt_lock(&table_lock);
    enter_table(t, pthread_self());
    rt_unlock(&table_lock);
    threads_know_stack(t->ctx);
    pthread_setspecific(end_key, t);
    rc_switch(t->ctx);
    return t->fn_c11 ? (void *)(intptr_t)t->fn_c11(t->arg) : t->fn(t->arg);
}

static bool is_detached(const pthread_attr_t *a)
{
    int state = PTHREAD_CREATE_JOINABLE;
    return a && pthread_attr_getdetachstate(a, &state) == 0 && state == PTHREAD_CREATE_DETACHED;
}

/* Starts t, whose fn and arg are set.  Owns t.  Returns what pthread_create does. */
static int create(struct thread *t, pthread_t *ret_id, const pthread_attr_t *a, uintptr_t pc)
{
    watch_forks(); /* these may be the first calls of all, by a library's constructor */
    rc_init(NULL);
    uint64_t id = rc_next_thread();
    pthread_t made;
    rt_real_pthread_once(&key_once, make_key);
    t->detached = is_detached(a);
    t->holders = 2;
    t->ctx = rc_ctx_make(rc_current(), RC_THREAD, id, pc, NULL, 0);
    t->flow = (struct rc_flow_id){RC_THREAD, id, rc_life_of(t->ctx)->created_at, ""};
    int err = rt_real_pthread_create(&made, a, thread_start, t);
    if (err) {
        rc_ctx_end(t->ctx);
        rt_real_free(t);
        return err;
    }
    saw_write(watched_from(pc), ret_id, sizeof *ret_id, pc);
    *ret_id = made;
    rt_lock(&table_lock);
    enter_table(t, made);
    let_go(t);
    rt_unlock(&table_lock);
    return 0;
}

INTERCEPT(int, pthread_create,
          (pthread_t * ret_id, const pthread_attr_t *a, void *(*fn)(void *), void *arg))
{
    struct thread *t = rt_real_calloc(1, sizeof *t);
    if (!t)
        return EAGAIN;
    t->fn = fn;
    t->arg = arg;
    return create(t, ret_id, a, PC);
}

/* The thread has ended and is forgotten by libc.  [hb-join] */
static void joined(struct thread *t)
{
    if (!t)
        return;
    rc_acquire(rc_current(), &t->object); /* [hb-join] */
    rt_lock(&table_lock);
    let_go(t);
    rt_unlock(&table_lock);
}

/* Its pthread_t may be given to a new thread as soon as the real join returns: out of the table
 * before it, and back if the join was in vain. */
static struct thread *join_begin(pthread_t id)
{
    rt_lock(&table_lock);
    struct thread *t = leave_table(id);
    rt_unlock(&table_lock);
    return t;
}

static int join_end(struct thread *t, int err)
{
    if (err == 0) {
        joined(t);
    } else if (t) {
        rt_lock(&table_lock);
        insert(t);
        rt_unlock(&table_lock);
    }
    return err;
}

#define JOIN(name, parameters, arguments)                      \
    INTERCEPT(int, name, parameters)                           \
    {                                                          \
        struct thread *t = join_begin(id);                     \
        int err = join_end(t, rt_real_##name arguments);       \
        if (err == 0 && ret)                                   \
            saw_write(watched_from(PC), ret, sizeof *ret, PC); \
        return err;                                            \
    }
JOIN(pthread_join, (pthread_t id, void **ret), (id, ret))
JOIN(pthread_tryjoin_np, (pthread_t id, void **ret), (id, ret))
JOIN(pthread_timedjoin_np, (pthread_t id, void **ret, const struct timespec *at), (id, ret, at))
JOIN(pthread_clockjoin_np, (pthread_t id, void **ret, clockid_t k, const struct timespec *at),
     (id, ret, k, at))

INTERCEPT(int, pthread_detach, (pthread_t id))
{
    rt_lock(&table_lock);
    for (struct thread *t = *bucket(id); t; t = t->next) {
        if (!pthread_equal(t->id, id))
            continue;
        t->detached = true;
        if (t->ended) {
            leave_table(id);
            let_go(t);
        }
        break;
    }
    rt_unlock(&table_lock);
    return rt_real_pthread_detach(id);
}

INTERCEPT(int, pthread_setname_np, (pthread_t id, const char *name))
{
    if (pthread_equal(id, pthread_self()))
        rc_ctx_name(rc_current(), name);
    return rt_real_pthread_setname_np(id, name);
}

/* ---- C11's names; glibc's thrd_t is its pthread_t ---- */

INTERCEPT(int, thrd_create, (thrd_t * ret_id, thrd_start_t fn, void *arg))
{
    struct thread *t = rt_real_calloc(1, sizeof *t);
    if (!t)
        return thrd_nomem;
    t->fn_c11 = fn;
    t->arg = arg;
    int err = create(t, ret_id, NULL, PC);
    return err == 0 ? thrd_success : err == ENOMEM ? thrd_nomem : thrd_error;
}

INTERCEPT(int, thrd_join, (thrd_t id, int *ret))
{
    void *value;
    struct thread *t = join_begin(id);
    int err = join_end(t, rt_real_pthread_join(id, &value));
    if (err == 0 && ret) {
        saw_write(watched_from(PC), ret, sizeof *ret, PC);
        *ret = (int)(intptr_t)value;
    }
    return err == 0 ? thrd_success : thrd_error;
}

INTERCEPT(int, thrd_detach, (thrd_t id))
{
    return pthread_detach(id) == 0 ? thrd_success : thrd_error;
}
