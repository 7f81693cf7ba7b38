/* group.c - goroutines that work on one task and may fail.
 *
 * A waitgroup, a semaphore for the limit, and the first error.  A member's last access is its done
 * on the waitgroup, which keeps the waitgroup's promise: after go_group_wait() the group may go.
 * It is made by a deferred record, so that go_exit() or a panic that passes counts too.
 *
 * Edges: [group] the first error -> wait, through the waitgroup. */
#include <stdlib.h>
#include <goshawk/group.h>
#include <goshawk/panic.h>
#include "atomic.h"
#include "hook.h"
#include "panic.h"
#include "scheduler.h"

struct member {
    go_group *group;
    int (*fn)(void *);
    void *arg;
};

static void leave(void *arg)
{
    go_group *group = arg;
    if (group->limit_ > 0)
        go_sem_release(&group->slots_, 1);
    go_waitgroup_done(&group->wg_);
}

static void run(void *arg)
{
    struct member m = *(struct member *)arg;
    struct g *self = rt_self();
    struct go_defer_ d = {.plain_ = leave, .owner_ = m.group, .next_ = self->defers};
    free(arg);
    self->defers = &d;
    int err = m.fn(m.arg);
    self->defers = d.next_;
    if (err)
        at_cas_rlx(&m.group->err_, 0,
                   err); /* relaxed: the waitgroup orders it before the wait [group] */
    leave(m.group);
}

void go_group_go(go_group *g, int (*fn)(void *), void *arg)
{
    rt_point();
    struct member *m = malloc(sizeof *m);
    if (!m)
        rt_fatal("out of memory: go_group_go");
    *m = (struct member){g, fn, arg};
    if (g->limit_ > 0)
        go_sem_acquire(&g->slots_, 1);
    go_waitgroup_add(&g->wg_, 1);
    rt_spawn(rt_self(), run, m, 0);
}

void go_group_limit(go_group *g, int n)
{
    g->limit_ = n > 0 ? n : 0;
    g->slots_ = (go_sem)GO_SEM_INIT(g->limit_);
}

int go_group_wait(go_group *g)
{
    rt_point();
    go_waitgroup_wait(&g->wg_);
    int err = at_load_rlx(&g->err_); /* relaxed: ordered by the waitgroup [group] */
    g->err_ = 0;
    return err;
}
