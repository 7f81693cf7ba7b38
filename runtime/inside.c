/* inside.c - see inside.h. */
#include "inside.h"
#include "core.h"
#include "hook.h"
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

void rt_enter_slow(struct m *m)
{
    while (at_load_acq(&m->asked)) { /* [inside] */
        rt_lock(&sched.lock);        /* whoever asks decides under it */
        rt_unlock(&sched.lock);
    }
}

void rt_settle_slow(struct g *self)
{
    if (self->blocking == 0) /* in a blocking section it has given its P up itself */
        sched_regain(self);
}

/* Under sched.lock: true when m is outside the runtime and holds p, and stays so until let_go(). */
static bool hold(struct m *m, const struct p *p)
{
    at_store_rlx(&m->asked, 1u); /* relaxed: ordered by the fence */
    rt_fence_all();
    /* [inside] outside: all that m did to the P is seen.  relaxed: m->p does not change outside */
    return !at_load_acq(&m->inside) && at_load_rlx(&m->p) == p;
}

static void let_go(struct m *m)
{
    at_store_rel(&m->asked, 0u); /* [inside] */
}

bool sched_retake(struct p *p, struct m *m, struct tr_stream *trace, bool computes)
{
    rt_lock(&sched.lock);
    bool taken = hold(m, p);
    if (taken) {
        hook_p_retake(trace, p->id, m->id);
        at_store_rlx(&m->p, (struct p *)NULL); /* relaxed: m looks after asked is 0 */
        at_store_rlx(&m->detached, computes);  /* relaxed: a count for sysmon itself */
        at_store_rlx(&p->m, (struct m *)NULL); /* relaxed: a hint to sysmon, which we are */
    }
    let_go(m);
    rt_unlock(&sched.lock);
    if (taken)
        sched_p_hand_over(p, false);
    return taken;
}

struct g *sched_rob_runnext(struct p *p)
{
    struct g *g = NULL;
    rt_lock(&sched.lock);
    struct m *m = at_load_acq(&p->m); /* [holder] a hint; Ms are not freed */
    if (m) {
        if (hold(m, p))
            g = sched_take_runnext(p);
        let_go(m);
    }
    rt_unlock(&sched.lock);
    return g;
}

/* ---- for bias.h ---- */

uint32_t sched_tid(void)
{
    const struct m *m = rt_m();
    return (uint32_t)(m ? m->tid : (int)syscall(SYS_gettid));
}

void sched_pause(void)
{
    int saved = errno;
    for (int i = 0; i < 64; i++)
        at_pause();
    sched_yield();
    errno = saved;
}

void sched_wait_storing(const void *lock)
{
    rt_fence_all(); /* [storing] who looked at the lock before has said so */
    for (struct m *m = worker_all(); m; m = m->next_all)
        while (at_load_acq(&m->storing) == lock) /* [storing] it is a matter of instructions */
            sched_pause();
}
