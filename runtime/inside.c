/* inside.c - see inside.h. */
#include "inside.h"
#include "core.h"
#include "hook.h"

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

bool sched_retake(struct p *p, struct m *m, struct tr_stream *trace, bool computes)
{
    rt_lock(&sched.lock);
    at_store_rlx(&m->asked, 1u); /* relaxed: ordered by the fence */
    rt_fence_all();
    /* [inside] outside: all that m did to the P is seen.  relaxed: m->p does not change outside */
    bool taken = !at_load_acq(&m->inside) && at_load_rlx(&m->p) == p;
    if (taken) {
        hook_p_retake(trace, p->id, m->id);
        at_store_rlx(&m->p, (struct p *)NULL); /* relaxed: m looks after asked is 0 */
        at_store_rlx(&m->detached, computes);  /* relaxed: a count for sysmon itself */
        at_store_rlx(&p->m, (struct m *)NULL); /* relaxed: a hint to sysmon, which we are */
    }
    at_store_rel(&m->asked, 0u); /* [inside] */
    rt_unlock(&sched.lock);
    if (taken)
        sched_p_hand_over(p, false);
    return taken;
}
