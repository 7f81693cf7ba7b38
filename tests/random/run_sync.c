/* run_sync.c - executes a program's operations on objects.  See run.c. */
#include "run.h"
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the list says has happened. */
#define must(ok) ((ok) ? (void)0 : random_fail("did not happen: " #ok))

static int variant(int o)
{
    return run_prog->object[o].variant;
}

/* ---- made and ended ---- */

static void make_mutex(int o)
{
    switch (variant(o)) {
    case 0:
        memset(&run_world->object[o].mutex, 0, sizeof(go_mutex));
        break;
    case 1:
        pthread_mutex_init(&run_world->object[o].os_mutex, NULL);
        break;
    case 2:
        pthread_spin_init(&run_world->object[o].spin, PTHREAD_PROCESS_PRIVATE);
        break;
    default:
        mtx_init(&run_world->object[o].c_mutex, mtx_plain);
        break;
    }
}

static void make_pipe(int o)
{
    int *fd = run_world->object[o].fd;
    switch (variant(o)) {
    case 0:
        must(pipe(fd) == 0);
        break;
    case 1:
        must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
        break;
    default:
        fd[0] = fd[1] = eventfd(0, 0);
        break;
    }
}

void run_make(int o)
{
    const struct object *x = &run_prog->object[o];
    __typeof__(run_world->object[0]) *w = &run_world->object[o];
    memset(w, 0, sizeof *w);
    run_world->signalled[o] = 0;
    run_world->once_writes[o] = NULL;
    switch (x->class) {
    case MUTEX:
        make_mutex(o);
        break;
    case RWLOCK:
        if (x->variant)
            pthread_rwlock_init(&w->os_rwlock, NULL);
        break;
    case CHAN:
        w->chan = go_chan_new(x->size, x->cap);
        break;
    case GROUP:
        go_waitgroup_add(&w->group, x->cap);
        break;
    case COND:
        if (x->variant)
            pthread_cond_init(&w->os_cond, NULL);
        break;
    case SEM:
        if (x->variant)
            sem_init(&w->os_sem, 0, x->cap);
        else
            w->sem = (go_sem)GO_SEM_INIT(x->cap);
        break;
    case BARRIER:
        pthread_barrier_init(&w->barrier, NULL, x->cap);
        break;
    case PIPE:
        make_pipe(o);
        break;
    case CTX:
        w->ctx = go_ctx_with_cancel(go_ctx_background());
        break;
    default:
        break;
    }
}

void run_unmake(int o)
{
    const struct object *x = &run_prog->object[o];
    __typeof__(run_world->object[0]) *w = &run_world->object[o];
    switch (x->class) {
    case MUTEX:
        if (x->variant == 1)
            pthread_mutex_destroy(&w->os_mutex);
        else if (x->variant == 3)
            mtx_destroy(&w->c_mutex);
        break;
    case RWLOCK:
        if (x->variant)
            pthread_rwlock_destroy(&w->os_rwlock);
        break;
    case CHAN:
        go_chan_free(w->chan);
        break;
    case COND:
        if (x->variant)
            pthread_cond_destroy(&w->os_cond);
        break;
    case SEM:
        if (x->variant)
            sem_destroy(&w->os_sem);
        break;
    case BARRIER:
        pthread_barrier_destroy(&w->barrier);
        break;
    case PIPE:
        close(w->fd[0]);
        if (x->variant < 2)
            close(w->fd[1]);
        break;
    case CTX:
        go_ctx_free(w->ctx);
        break;
    case AFTER:
        go_chan_free(w->after);
        break;
    default:
        break;
    }
}

/* ---- locks ---- */

static void lock(int o)
{
    switch (variant(o)) {
    case 0:
        go_mutex_lock(&run_world->object[o].mutex);
        break;
    case 1:
        pthread_mutex_lock(&run_world->object[o].os_mutex);
        break;
    case 2:
        pthread_spin_lock(&run_world->object[o].spin);
        break;
    default:
        mtx_lock(&run_world->object[o].c_mutex);
        break;
    }
}

static bool try_lock(int o)
{
    switch (variant(o)) {
    case 0:
        return go_mutex_trylock(&run_world->object[o].mutex);
    case 1:
        return pthread_mutex_trylock(&run_world->object[o].os_mutex) == 0;
    case 2:
        return pthread_spin_trylock(&run_world->object[o].spin) == 0;
    default:
        return mtx_trylock(&run_world->object[o].c_mutex) == thrd_success;
    }
}

static void unlock(int o)
{
    switch (variant(o)) {
    case 0:
        go_mutex_unlock(&run_world->object[o].mutex);
        break;
    case 1:
        pthread_mutex_unlock(&run_world->object[o].os_mutex);
        break;
    case 2:
        pthread_spin_unlock(&run_world->object[o].spin);
        break;
    default:
        mtx_unlock(&run_world->object[o].c_mutex);
        break;
    }
}

static void use_go_rwlock(const struct op *op)
{
    go_rwmutex *m = &run_world->object[op->obj].rwlock;
    switch (op->kind) {
    case OP_RLOCK:
        go_rwmutex_rlock(m);
        break;
    case OP_TRYRLOCK:
        must(go_rwmutex_tryrlock(m));
        break;
    case OP_TRYRLOCK_FAILS:
        must(!go_rwmutex_tryrlock(m));
        break;
    case OP_RUNLOCK:
        go_rwmutex_runlock(m);
        break;
    case OP_WLOCK:
        go_rwmutex_lock(m);
        break;
    case OP_TRYWLOCK:
        must(go_rwmutex_trylock(m));
        break;
    case OP_TRYWLOCK_FAILS:
        must(!go_rwmutex_trylock(m));
        break;
    default:
        go_rwmutex_unlock(m);
        break;
    }
}

static void use_os_rwlock(const struct op *op)
{
    pthread_rwlock_t *l = &run_world->object[op->obj].os_rwlock;
    switch (op->kind) {
    case OP_RLOCK:
        must(pthread_rwlock_rdlock(l) == 0);
        break;
    case OP_TRYRLOCK:
        must(pthread_rwlock_tryrdlock(l) == 0);
        break;
    case OP_TRYRLOCK_FAILS:
        must(pthread_rwlock_tryrdlock(l) != 0);
        break;
    case OP_WLOCK:
        must(pthread_rwlock_wrlock(l) == 0);
        break;
    case OP_TRYWLOCK:
        must(pthread_rwlock_trywrlock(l) == 0);
        break;
    case OP_TRYWLOCK_FAILS:
        must(pthread_rwlock_trywrlock(l) != 0);
        break;
    default:
        must(pthread_rwlock_unlock(l) == 0);
        break;
    }
}

static void use_lock(const struct op *op)
{
    if (op->kind >= OP_RLOCK)
        (variant(op->obj) ? use_os_rwlock : use_go_rwlock)(op);
    else if (op->kind == OP_LOCK)
        lock(op->obj);
    else if (op->kind == OP_UNLOCK)
        unlock(op->obj);
    else
        must(try_lock(op->obj) == (op->kind == OP_TRYLOCK));
}

/* A wait that ends without a signal goes on. */
static void use_cond(const struct op *op)
{
    __typeof__(run_world->object[0]) *w = &run_world->object[op->obj];
    unsigned char *signalled = &run_world->signalled[op->obj];
    bool os = variant(op->obj) == 1;
    switch (op->kind) {
    case OP_COND_WAIT:
        do
            os ? (void)pthread_cond_wait(&w->os_cond, &w[1].os_mutex)
               : go_cond_wait(&w->cond, &w[1].mutex);
        while (!__atomic_exchange_n(signalled, 0, __ATOMIC_ACQ_REL));
        break;
    case OP_SIGNAL:
        __atomic_store_n(signalled, 1, __ATOMIC_RELEASE);
        os ? (void)pthread_cond_signal(&w->os_cond) : go_cond_signal(&w->cond);
        break;
    default:
        __atomic_store_n(signalled, 1, __ATOMIC_RELEASE);
        os ? (void)pthread_cond_broadcast(&w->os_cond) : go_cond_broadcast(&w->cond);
        break;
    }
}

/* ---- channels ---- */

/* Cases that are never ready stand around those that may be. */
static int select_one(const struct op *op, go_case *cases, int n)
{
    go_case all[4];
    int count = 0;
    if (op->how & 1)
        all[count++] = go_recv_case_(NULL, NULL, NULL);
    for (int i = 0; i < n; i++)
        all[count++] = cases[op->how & 2 ? n - 1 - i : i];
    if (op->how & 4)
        all[count++] = go_send_case_(NULL, "", 1);
    return go_select_n(all, count);
}

static void use_channel(const struct op *op)
{
    unsigned char mine[16] = {0}, *elem = op->size ? run_memory(op) : mine;
    void *c = run_world->object[op->obj].chan;
    go_case cases[2];
    bool ok;
    switch (op->kind) {
    case OP_SEND:
        cases[0] = go_send_case_(c, elem, run_prog->object[op->obj].size);
        op->selects ? (void)select_one(op, cases, 1) : go_chan_send_from(c, elem);
        break;
    case OP_TRYSEND:
        must(go_chan_try_send_from(c, elem));
        break;
    case OP_TRYSEND_FAILS:
        must(!go_chan_try_send_from(c, elem));
        break;
    case OP_RECV:
    case OP_RECV_CLOSED:
        cases[0] = go_recv_case_(c, elem, &ok);
        if (op->alt >= 0)
            cases[1] = go_recv_case_(run_world->object[op->alt].chan, elem, &ok);
        if (op->selects)
            select_one(op, cases, 1 + (op->alt >= 0));
        else
            ok = go_chan_recv_into(c, elem);
        must(ok == (op->kind == OP_RECV));
        break;
    case OP_TRYRECV:
        must(go_chan_try_recv_into(c, elem));
        break;
    case OP_TRYRECV_FAILS:
        must(!go_chan_try_recv_into(c, elem));
        break;
    case OP_CLOSE:
        go_chan_close(c);
        break;
    default:
        must(go_chan_len(c) <= go_chan_cap(c));
        break;
    }
}

/* ---- the others ---- */

void __tsan_write4(void *);

/* For each object, not for each thread: a goroutine may go on on another one whenever it calls the
 * runtime. */
#define ONCE(o)                                         \
    static void once_##o(void)                          \
    {                                                   \
        if (run_world->once_writes[(o)])                \
            __tsan_write4(run_world->once_writes[(o)]); \
    }
ONCE(0)
ONCE(1)
ONCE(2)
ONCE(3)
ONCE(4)
ONCE(5)

static void do_once(const struct op *op)
{
    static void (*const once[OBJECTS])(void) = {once_0, once_1, once_2, once_3, once_4, once_5};
    if (op->size) /* the first one */
        run_world->once_writes[op->obj] = run_memory(op);
    if (variant(op->obj))
        pthread_once(&run_world->object[op->obj].os_once, once[op->obj]);
    else
        go_once_do(&run_world->object[op->obj].once, once[op->obj]);
}

static void use_sem(const struct op *op)
{
    __typeof__(run_world->object[0]) *w = &run_world->object[op->obj];
    bool os = variant(op->obj) == 1;
    switch (op->kind) {
    case OP_ACQUIRE:
        os ? must(sem_wait(&w->os_sem) == 0) : go_sem_acquire(&w->sem, 1);
        break;
    case OP_TRYACQUIRE:
    case OP_TRYACQUIRE_FAILS:
        must((os ? sem_trywait(&w->os_sem) == 0 : go_sem_tryacquire(&w->sem, 1)) ==
             (op->kind == OP_TRYACQUIRE));
        break;
    default:
        os ? must(sem_post(&w->os_sem) == 0) : go_sem_release(&w->sem, 1);
        break;
    }
}

static void use_pipe(const struct op *op)
{
    const int *fd = run_world->object[op->obj].fd;
    unsigned char mine[8] = {0}, *p = op->size ? run_memory(op) : mine;
    size_t n = variant(op->obj) == 2 ? 8 : op->size ? op->size : 1;
    if (op->kind == OP_PIPE_READ) {
        must(read(fd[0], p, n) == (ssize_t)n);
        return;
    }
    *(uint64_t *)mine = 1;
    must(write(fd[1], p, n) == (ssize_t)n);
}

static void use_hand(const struct op *op)
{
    const void *o = &run_world->object[op->obj];
    if (op->kind == OP_HAND_ACQUIRE)
        go_race_acquire(o);
    else
        (op->kind == OP_HAND_RELEASE ? go_race_release : go_race_release_merge)(o);
}

void run_sync(const struct op *op)
{
    __typeof__(run_world->object[0]) *w = &run_world->object[op->obj];
    switch (run_prog->object[op->obj].class) {
    case MUTEX:
    case RWLOCK:
        use_lock(op);
        break;
    case CHAN:
        use_channel(op);
        break;
    case GROUP:
        (op->kind == OP_DONE ? go_waitgroup_done : go_waitgroup_wait)(&w->group);
        break;
    case ONCE:
        do_once(op);
        break;
    case COND:
        use_cond(op);
        break;
    case SEM:
        use_sem(op);
        break;
    case BARRIER:
        pthread_barrier_wait(&w->barrier);
        break;
    case PIPE:
        use_pipe(op);
        break;
    case CTX:
        if (op->kind == OP_CANCEL)
            go_ctx_cancel(w->ctx);
        else
            go_chan_recv_into((void *)go_ctx_done(w->ctx), NULL);
        break;
    case AFTER:
        if (op->kind == OP_ARM)
            w->after = go_after(op->how * 100);
        else
            go_chan_recv_into((void *)w->after, NULL);
        break;
    case HANDS:
        use_hand(op);
        break;
    default:
        must(false);
    }
}
