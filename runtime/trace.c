/* trace.c - goshawk/trace.h: recordings begun and ended by the program itself, and what it says in
 * them.
 *
 * A goroutine knows the task it works for, also while nothing is recorded, so a recording that
 * begins in the middle has the right numbers.  An open region is a record among the goroutine's
 * deferred calls: a panic or go_exit() that passes ends it. */
#include <goshawk/trace.h>
#include "atomic.h"
#include "hook.h"
#include "inside.h"
#include "proc.h"
#include "scheduler.h"
#include "thread.h"
#include <stdarg.h>
#include <stdio.h>

enum { LOG_MAX = 1024 };

int go_trace_start(const char *path)
{
    struct g *self = rt_self();
    int err = tr_start(path);
    if (err || (self->flags & G_THREAD))
        return err;
    struct m *m = self->m;
    rt_enter(m); /* its P stays while it is told */
    tr_go_here(m->trace, self->id, m->p ? (int32_t)m->p->id : -1, self->entry);
    rt_leave(m);
    return 0;
}

void go_trace_stop(void)
{
    tr_stop();
}

/* The stream for what self says. */
static struct tr_stream *stream_of(struct g *self)
{
    return thread_stream(self->m, self);
}

/* ---- tasks ---- */

go_task go_trace_task(const char *name)
{
    static uint64_t last;
    struct g *self = rt_self();
    go_task t = {at_add_rlx(&last, (uint64_t)1) + 1, self->task}; /* relaxed: only uniqueness */
    self->task = t.id_;
    if (hook_tracing())
        tr_task_begin(stream_of(self), self->id, t.id_, t.outer_, name);
    return t;
}

void go_trace_task_end(go_task t)
{
    struct g *self = rt_self();
    if (self->task == t.id_)
        self->task = t.outer_;
    if (hook_tracing())
        tr_task_end(stream_of(self), self->id, t.id_);
}

/* ---- regions ---- */

static void unwound(void *region)
{
    go_trace_region_end_(region);
}

struct go_region_ *go_trace_region_begin_(struct go_region_ *r, const char *name)
{
    struct g *self = rt_self();
    r->name_ = name;
    r->task_ = self->task;
    r->open_ = true;
    r->unwind_.plain_ = unwound;
    r->unwind_.owner_ = r;
    r->unwind_.fn_ = NULL;
    r->unwind_.args_ = NULL;
    r->unwind_.next_ = self->defers;
    self->defers = &r->unwind_;
    if (hook_tracing())
        tr_region_begin(stream_of(self), self->id, r->task_, name);
    return r;
}

void go_trace_region_end_(struct go_region_ *r)
{
    if (!r->open_)
        return;
    r->open_ = false;
    struct g *self = rt_self();
    if (self->defers == &r->unwind_) /* not so when it is being unwound */
        self->defers = r->unwind_.next_;
    if (hook_tracing())
        tr_region_end(stream_of(self), self->id, r->task_, r->name_);
}

/* ---- logs ---- */

struct log {
    char text[LOG_MAX];
    const char *fmt;
    va_list ap;
};

static void format(void *arg)
{
    struct log *l = arg;
    vsnprintf(l->text, sizeof l->text, l->fmt, l->ap);
}

void go_trace_log(const char *category, const char *fmt, ...)
{
    if (!hook_tracing())
        return;
    struct g *self = rt_self();
    struct log l = {.fmt = fmt};
    va_start(l.ap, fmt);
    rt_on_big_stack(format, &l);
    va_end(l.ap);
    tr_log(stream_of(self), self->id, self->task, category, l.text);
}
