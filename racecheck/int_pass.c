/* int_pass.c - interceptors of what passes data on without showing it: message queues, sendfile(2)
 * and its kin; and timers that call a function on a thread of libc's.
 *
 * A queue's descriptors are not known to belong together: all share the object of files (fds.c).
 *
 * libc makes the thread of a timer by itself.  For the time of its function it is a flow of its
 * own, after who made the timer and who set it last [timer]. */
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

/* ---- timers ---- */

/* One for each timer, for ever: a call may still be under way when the timer is deleted. */
struct call {
    void (*fn)(union sigval v);
    union sigval v;
};

static uint64_t timers; /* a clock for all */

static __attribute__((constructor(101))) void name_objects(void)
{
    rc_name_objects(&timers, sizeof timers, "a timer");
}

static void run_call(union sigval v)
{
    struct call call = *(struct call *)v.sival_ptr;
    struct rc_ctx *c = rc_ctx_make(NULL, RC_THREAD, rc_next_thread(), PC, NULL, 0);
    struct rc_ctx *was = rc_switch(c);
    rc_ctx_name(c, "timer");
    rc_acquire(c, &timers); /* [timer] */
    call.fn(call.v);
    rc_switch(was);
    rc_ctx_end(c);
}

INTERCEPT(int, timer_create, (clockid_t k, struct sigevent *restrict e, timer_t *restrict t))
{
    struct sigevent ours;
    struct rc_ctx *c = watched_from(PC);
    rc_release_merge(watched(), &timers); /* [timer] */
    if (e && e->sigev_notify == SIGEV_THREAD) {
        struct call *call = rt_real_malloc(sizeof *call);
        if (call) {
            *call = (struct call){e->sigev_notify_function, e->sigev_value};
            ours = *e;
            ours.sigev_notify_function = run_call;
            ours.sigev_value.sival_ptr = call;
            e = &ours;
        }
    }
    int err = rt_real_timer_create(k, e, t);
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
    return rt_real_timer_settime(t, flags, now, was);
}
