/* int_pass.c - interceptors of what passes data on without showing it: message queues, sendfile(2)
 * and its kin; and functions that libc calls on threads of its own, for timers and queues.
 *
 * A queue's descriptors are not known to belong together: all share the object of files (fds.c).
 *
 * libc makes the thread of a timer by itself.  For the time of its function it is a flow of its
 * own, after who made the timer and who set it last [timer].  So it does for who is told of a
 * message, which comes after who asked for it [mq-notify]. */
#include "intercept.h"
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define SENDS(name, parameters, arguments)    \
    INTERCEPT(int, name, parameters)          \
    {                                         \
        saw_read(watched_from(PC), p, n, PC); \
        rc_fd_sends(watched(), q);            \
        return rt_real_##name arguments;      \
    }
SENDS(mq_send, (mqd_t q, const char *p, size_t n, unsigned priority), (q, p, n, priority))
SENDS(mq_timedsend,
      (mqd_t q, const char *p, size_t n, unsigned priority, const struct timespec *at),
      (q, p, n, priority, at))

#define RECEIVES(name, parameters, arguments)                 \
    INTERCEPT(ssize_t, name, parameters)                      \
    {                                                         \
        struct rc_ctx *c = watched_from(PC);                  \
        ssize_t got = rt_real_##name arguments;               \
        if (got >= 0) {                                       \
            rc_fd_received(watched(), q);                     \
            saw_write(c, p, (size_t)got, PC);                 \
            if (priority)                                     \
                saw_write(c, priority, sizeof *priority, PC); \
        }                                                     \
        return got;                                           \
    }
RECEIVES(mq_receive, (mqd_t q, char *restrict p, size_t n, unsigned *restrict priority),
         (q, p, n, priority))
RECEIVES(mq_timedreceive,
         (mqd_t q, char *restrict p, size_t n, unsigned *restrict priority,
          const struct timespec *restrict at),
         (q, p, n, priority, at))

#define PASSES(name, parameters, arguments)          \
    INTERCEPT(ssize_t, name, parameters)             \
    {                                                \
        rc_fd_sends(watched(), to);                  \
        ssize_t n_passed = rt_real_##name arguments; \
        if (n_passed >= 0)                           \
            rc_fd_received(watched(), from);         \
        return n_passed;                             \
    }
PASSES(sendfile, (int to, int from, off_t *at, size_t n), (to, from, at, n))
PASSES(sendfile64, (int to, int from, off64_t *at, size_t n), (to, from, at, n))
PASSES(splice, (int from, off64_t *at, int to, off64_t *to_at, size_t n, unsigned flags),
       (from, at, to, to_at, n, flags))
PASSES(tee, (int from, int to, size_t n, unsigned flags), (from, to, n, flags))

INTERCEPT(ssize_t, vmsplice, (int fd, const struct iovec *v, size_t n, unsigned flags))
{
    rc_fd_sends(watched(), fd);
    ssize_t done = rt_real_vmsplice(fd, v, n, flags);
    if (done >= 0)
        rc_fd_received(watched(), fd);
    return done;
}

/* ---- functions on threads of libc's ---- */

struct call {
    void (*fn)(union sigval v);
    union sigval v;
    mqd_t queue;      /* of mq_notify() */
    uint64_t noticed; /* the clock of that call; timers have one together */
};

static uint64_t timers; /* a clock for all */

static __attribute__((constructor(101))) void name_objects(void)
{
    rc_name_objects(&timers, sizeof timers, "a timer");
}

static void end_flow(void *c)
{
    rc_switch(NULL);
    rc_ctx_end(c);
    rc_thread_fini();
}

static struct rc_ctx *begin_flow(const char *name)
{
    struct rc_ctx *c = rc_ctx_make(NULL, RC_THREAD, rc_next_thread(), PC, NULL, 0);
    threads_know_stack(c);
    rc_switch(c);
    rc_ctx_name(c, name);
    return c;
}

/* Runs call's function as the flow c.  libc's thread was at its beginning, and ends when this
 * returns, or by the function. */
static void run_flow(struct rc_ctx *c, const struct call *call)
{
    pthread_cleanup_push(end_flow, c);
    call->fn(call->v);
    pthread_cleanup_pop(1);
}

/* libc's copy of e, if it asks for a function, calls ours with what e asks for. */
static struct call *stand_in(struct sigevent *e, void (*ours)(union sigval v))
{
    struct call *call = e->sigev_notify == SIGEV_THREAD ? rt_real_malloc(sizeof *call) : NULL;
    if (!call)
        return NULL;
    *call = (struct call){.fn = e->sigev_notify_function, .v = e->sigev_value};
    e->sigev_notify_function = ours;
    e->sigev_value.sival_ptr = call;
    return call;
}

/* A timer's record stays for ever: a call may still be under way when the timer is deleted. */
static void run_timer(union sigval v)
{
    struct rc_ctx *c = begin_flow("timer");
    rc_acquire(c, &timers); /* [timer] */
    run_flow(c, v.sival_ptr);
}

static uint64_t timer_signals; /* that timers have been made to send; bit 0 is signal 1 */

INTERCEPT(int, timer_create, (clockid_t k, struct sigevent *restrict e, timer_t *restrict t))
{
    struct sigevent ours;
    struct rc_ctx *c = watched_from(PC);
    rc_release_merge(watched(), &timers); /* [timer] */
    if (e) {
        saw_read(c, e, sizeof *e, PC);
        ours = *e;
        stand_in(&ours, run_timer);
    }
    int sig = !e ? SIGALRM
              : e->sigev_notify == SIGEV_SIGNAL || e->sigev_notify == SIGEV_THREAD_ID
                  ? e->sigev_signo
                  : 0;
    if (sig > 0 && sig <= 64)
        at_or_rlx(&timer_signals, UINT64_C(1) << (sig - 1)); /* relaxed: the timer is set later */
    int err = rt_real_timer_create(k, e ? &ours : NULL, t);
    if (err == 0)
        saw_write(c, t, sizeof *t, PC);
    return err;
}

INTERCEPT(int, timer_settime,
          (timer_t t, int flags, const struct itimerspec *restrict now,
           struct itimerspec *restrict was))
{
    saw_read(watched_from(PC), now, sizeof *now, PC);
    rc_release_merge(watched(), &timers); /* [timer] */
    /* relaxed: t was made before.  Which signal is t's is not known: all that timers have */
    int_signal_sends(at_load_rlx(&timer_signals));
    return rt_real_timer_settime(t, flags, now, was);
}

static void drop_call(struct call *call)
{
    rc_forget(&call->noticed, sizeof call->noticed);
    rt_real_free(call);
}

/* It is called once, with the first message: after who asked, and after who sent that. */
static void run_notice(union sigval v)
{
    struct call *call = v.sival_ptr, copy = *call;
    struct rc_ctx *c = begin_flow("mq_notify");
    rc_acquire(c, &call->noticed); /* [mq-notify] */
    rc_fd_received(c, copy.queue);
    drop_call(call);
    run_flow(c, &copy);
}

INTERCEPT(int, mq_notify, (mqd_t q, const struct sigevent *e))
{
    struct sigevent ours;
    struct call *call = NULL;
    if (e) {
        saw_read(watched_from(PC), e, sizeof *e, PC);
        ours = *e;
        call = stand_in(&ours, run_notice);
    }
    if (call) {
        call->queue = q;
        rc_release(watched(), &call->noticed); /* [mq-notify] */
    }
    int err = rt_real_mq_notify(q, e ? &ours : NULL);
    if (err && call)
        drop_call(call);
    return err;
}
