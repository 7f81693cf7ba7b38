/* gate.c - see gate.h.
 *
 * Who shuts the gate sets the flag of each thread, executes a fence on all threads and waits until
 * each is outside; a thread that enters says so first and looks at its flag then.  These are the
 * two sides of Dekker's handshake, with the price on the side that comes once, as in owner.c.
 *
 * A thread becomes known with its first entry; while the gate is shut it waits there for the lock.
 * It is forgotten by a destructor of thread-specific data, in each round in which it came again;
 * from the last but one on it enters unseen. */
#include "gate.h"
#include "ctx.h"
#include "futex.h"
#include "owner.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>

struct visitor {
    struct visitor *next, **at; /* guarded by lock; at == NULL: not in the list */
    uint32_t *flag;
    const struct rc_thread *self;
    struct owner *const *owner;
};

__thread uint32_t gate_mine __attribute__((tls_model("initial-exec"))) = 1;

static __thread struct {
    struct visitor visitor;
    unsigned rounds; /* of destructors */
    bool busy;       /* it is in here: a signal handler that comes now passes */
} me __attribute__((tls_model("initial-exec")));

static struct rt_lock lock; /* held while the gate is shut */
static struct visitor *all;
static pthread_key_t key;
static uint32_t has_key; /* [gate-key] */

static void leave(void)
{
    struct visitor *v = &me.visitor;
    if (!v->at)
        return;
    *v->at = v->next;
    if (v->next)
        v->next->at = v->at;
    v->at = NULL;
}

static void forget(void *unused)
{
    (void)unused;
    me.busy = true;
    rt_lock(&lock);
    leave();
    bool last = ++me.rounds >= PTHREAD_DESTRUCTOR_ITERATIONS - 1;
    at_store_rlx(&gate_mine, last ? 0u : 1u); /* relaxed: its own */
    rt_unlock(&lock);
    me.busy = false;
}

void gate_init(void)
{
    if (pthread_key_create(&key, forget) == 0)
        at_store_rel(&has_key, 1u); /* [gate-key] */
}

void gate_thread_fini(void)
{
    me.rounds = PTHREAD_DESTRUCTOR_ITERATIONS;
    forget(NULL);
}

static void join(void)
{
    struct visitor *v = &me.visitor;
    *v = (struct visitor){all, &all, &gate_mine, &rc_self, &owner_mine};
    if (all)
        all->at = &v->next;
    all = v;
}

bool gate_passes(void)
{
    return me.busy || !at_load_acq(&has_key); /* [gate-key] */
}

void gate_heed(void)
{
    if (gate_passes())
        return;
    me.busy = true;
    bool known = me.visitor.at != NULL;
    rt_lock(&lock);
    if (!me.visitor.at)
        join();
    at_store_rlx(&gate_mine, 0u); /* relaxed: its own; written by others under the lock */
    rt_unlock(&lock);
    if (!known)
        pthread_setspecific(key, &me);
    me.busy = false;
}

static bool is_outside(const struct visitor *v)
{
    const struct owner *o = at_load_acq(v->owner);                                 /* [gate] */
    return at_load_acq(&v->self->acc) != &rc_inside &&                             /* [gate] */
           (o->id == (uint32_t)OWNER_NOBODY || (at_load_acq(&o->turns) & 1) == 0); /* [turn] */
}

void gate_shut(void)
{
    me.busy = true;
    rt_lock(&lock);
    for (struct visitor *v = all; v; v = v->next)
        if (v != &me.visitor)
            at_store_rlx(v->flag, 1u); /* relaxed: the fence orders it */
    rt_fence_all();                    /* [gate] */
    for (struct visitor *v = all; v; v = v->next)
        while (v != &me.visitor && !is_outside(v))
            sched_yield();
}

void gate_forked(void)
{
    all = NULL;
    if (me.visitor.at)
        join();
}

void gate_open(void)
{
    rt_unlock(&lock);
    me.busy = false;
}
