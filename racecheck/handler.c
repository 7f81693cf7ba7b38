/* handler.c - the engine beside signal handlers; see int_signal.c.
 *
 * A handler may come between any two instructions of the fast paths: after a frame was half written
 * and before the top moved to it, or between two words that belong together.  So a handler gets
 * frames of its own, which begin where the interrupted stack stands, and the words are restored.
 *
 * Handlers on a thread without a flow follow each other: each acquires what the one before on that
 * thread released [handlers]. */
#include "ctx.h"
#include <signal.h>

static __thread uint64_t last_handler; /* its clock */

bool rc_is_inside(void)
{
    return rc_self.acc == &rc_inside;
}

void rc_let_in_postponed(void)
{
    sigset_t set;
    if (rc_is_inside())
        return;
    sigemptyset(&set);
    for (int sig = 1; sig <= 64; sig++)
        if (rc_postponed >> (sig - 1) & 1)
            sigaddset(&set, sig);
    rc_postponed = 0;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static struct rc_ctx *make(void)
{
    struct rc_ctx *c = rc_ctx_make(NULL, RC_THREAD, 0, 0, NULL, 0);
    if (!c)
        return NULL;
    rc_ctx_name(c, "signal handler");
    c->ignored[0] = c->ignored[1] = 1;
    rc_acquire(c, &last_handler); /* [handlers] */
    rc_self = (struct rc_thread){.acc = &rc_nobody, .ctx = c};
    return c;
}

void rc_handler_begin(struct rc_interrupted *was)
{
    struct rc_ctx *c = rc_self.ctx;
    *was = (struct rc_interrupted){.c = c};
    if (rc_is_inside())
        return;
    if (!c) {
        was->c = make();
        was->made = was->c != NULL;
        return;
    }
    was->top = c->top;
    was->last = c->last;
    was->frames = c->frames;
    was->held_at = c->held_at;
    was->held_node = c->held_node;
    struct rc_thread self = rc_enter();
    rc_frames_begin(c, c->top->node);
    rc_leave(self);
}

void rc_handler_end(struct rc_interrupted *was)
{
    struct rc_ctx *c = was->c;
    if (!c)
        return;
    if (was->made) {
        rc_release(c, &last_handler); /* [handlers] */
        rc_switch(NULL);
        rc_ctx_end(c);
        return;
    }
    struct rc_thread self = rc_enter();
    rc_frames_end(c);
    c->frames = was->frames;
    c->last = was->last;
    c->top = was->top;
    c->top[1].ret = c->top[1].other_ret = 0; /* half written, if the handler was left by a jump */
    c->held_at = was->held_at;
    c->held_node = was->held_node;
    rc_leave(self);
}
