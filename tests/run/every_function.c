/* Every public function is a real one: its address can be taken, and it is in the library.  And
 * every macro compiles and does what it says. linked.py sees that no function is forgotten here. */
// stdout: all there
#include "expect.h"
#include <errno.h>

typedef void any_function(void);

#define FUNCTION(f)             \
    {                           \
#f, (any_function *)(f) \
    }

static const struct {
    const char *name;
    any_function *address;
} functions[] = {
    /* go.h */
    FUNCTION(go_run),
    FUNCTION(go_start),
    FUNCTION(go_yield),
    FUNCTION(go_exit),
    FUNCTION(go_sleep),
    FUNCTION(go_id),
    FUNCTION(go_setname),
    FUNCTION(go_maxprocs),
    FUNCTION(go_numcpu),
    FUNCTION(go_numgoroutine),
    FUNCTION(go_lock_thread),
    FUNCTION(go_unlock_thread),
    FUNCTION(go_checkpoint),
    FUNCTION(go_blocking_begin),
    FUNCTION(go_blocking_end),
    FUNCTION(go_dump),
    FUNCTION(go_set_stack_size),
    /* base.h, time.h */
    FUNCTION(go_version),
    FUNCTION(go_now),
    FUNCTION(go_since),
    /* panic.h */
    FUNCTION(go_panic),
    FUNCTION(go_recover),
    /* chan.h, select.h */
    FUNCTION(go_chan_new),
    FUNCTION(go_chan_send_from),
    FUNCTION(go_chan_recv_into),
    FUNCTION(go_chan_try_send_from),
    FUNCTION(go_chan_try_recv_into),
    FUNCTION(go_chan_close),
    FUNCTION(go_chan_len),
    FUNCTION(go_chan_cap),
    FUNCTION(go_chan_free),
    FUNCTION(go_select_n),
    /* mutex.h, rwmutex.h */
    FUNCTION(go_mutex_lock),
    FUNCTION(go_mutex_trylock),
    FUNCTION(go_mutex_unlock),
    FUNCTION(go_rwmutex_rlock),
    FUNCTION(go_rwmutex_tryrlock),
    FUNCTION(go_rwmutex_runlock),
    FUNCTION(go_rwmutex_lock),
    FUNCTION(go_rwmutex_trylock),
    FUNCTION(go_rwmutex_unlock),
    /* waitgroup.h, cond.h, sem.h, group.h */
    FUNCTION(go_waitgroup_add),
    FUNCTION(go_waitgroup_done),
    FUNCTION(go_waitgroup_wait),
    FUNCTION(go_cond_wait),
    FUNCTION(go_cond_signal),
    FUNCTION(go_cond_broadcast),
    FUNCTION(go_sem_acquire),
    FUNCTION(go_sem_tryacquire),
    FUNCTION(go_sem_release),
    FUNCTION(go_group_go),
    FUNCTION(go_group_limit),
    FUNCTION(go_group_wait),
    /* timer.h */
    FUNCTION(go_after),
    FUNCTION(go_timer_new),
    FUNCTION(go_timer_chan),
    FUNCTION(go_timer_stop),
    FUNCTION(go_timer_reset),
    FUNCTION(go_timer_free),
    FUNCTION(go_after_func),
    FUNCTION(go_ticker_new),
    FUNCTION(go_ticker_chan),
    FUNCTION(go_ticker_reset),
    FUNCTION(go_ticker_stop),
    FUNCTION(go_ticker_free),
    /* context.h */
    FUNCTION(go_ctx_background),
    FUNCTION(go_ctx_with_cancel),
    FUNCTION(go_ctx_with_timeout),
    FUNCTION(go_ctx_with_deadline),
    FUNCTION(go_ctx_with_value),
    FUNCTION(go_ctx_done),
    FUNCTION(go_ctx_err),
    FUNCTION(go_ctx_value),
    FUNCTION(go_ctx_cancel),
    FUNCTION(go_ctx_free),
    /* io.h */
    FUNCTION(go_fd_wait),
    FUNCTION(go_fd_close),
    FUNCTION(go_read),
    FUNCTION(go_read_deadline),
    FUNCTION(go_write),
    FUNCTION(go_write_deadline),
    /* metrics.h */
    FUNCTION(go_metrics_read),
    FUNCTION(go_metrics_latency),
    FUNCTION(go_metrics_print),
    /* race.h */
    FUNCTION(go_race_enabled),
    FUNCTION(go_race_acquire),
    FUNCTION(go_race_release),
    FUNCTION(go_race_release_merge),
    FUNCTION(go_race_read),
    FUNCTION(go_race_write),
    FUNCTION(go_race_disable),
    FUNCTION(go_race_enable),
    FUNCTION(go_race_errors),
    FUNCTION(go_race_on_report),
    /* trace.h */
    FUNCTION(go_trace_start),
    FUNCTION(go_trace_stop),
    FUNCTION(go_trace_flight),
    FUNCTION(go_trace_snapshot),
    FUNCTION(go_trace_task),
    FUNCTION(go_trace_task_end),
    FUNCTION(go_trace_log),
};

static int calls;

static void call(int n)
{
    calls += n;
}

static int member(void *arg)
{
    call(*(int *)arg);
    return -EIO;
}

/* What stands beside the functions: macros that take types, calls and blocks. */
static void macros(void)
{
    go_waitgroup wg = {0};
    go_once once = {0};
    go_group group = {0};
    go_sem sem = GO_SEM_INIT(1);
    int v = 0, one = 1;
    bool ok = false;
    go_chan(int) c = go_chan_make(int, 1), done = go_chan_make(int, 0);
    go_chan_elem(c) elem = 7;

    go_waitgroup_go(&wg, call, 1);
    go_waitgroup_wait(&wg);
    EXPECT(calls == 1);
    go_once_do(&once, call, 1);
    go_once_do(&once, call, 1);
    EXPECT(calls == 2);
    {
        go_defer(call, 1);
        go_trace_region("block")
            call(1);
    }
    EXPECT(calls == 4);
    go_group_go(&group, member, &one);
    EXPECT(go_group_wait(&group) == -EIO && calls == 5);
    EXPECT(go_sem_tryacquire(&sem, 1) && !go_sem_tryacquire(&sem, 1));

    go_chan_send(c, elem);
    EXPECT(!go_chan_try_send(c, 8) && go_chan_recv(c) == 7 && !go_chan_try_recv(c, &v));
    EXPECT(go_select(go_recv_case(c, &v), go_default) == GO_DEFAULT);
    EXPECT(go_select(go_send_case(c, 9), go_recv_case(done, NULL)) == 0);
    EXPECT(go_select(go_recv_case(done, NULL), go_recv_case(c, &v, &ok)) == 1 && ok && v == 9);
    go_chan_send(c, 1);
    go_chan_close(c);
    go_chan_range(int, each, c)
        call(each);
    EXPECT(!go_chan_recv_ok(c, &v) && v == 0 && calls == 6);
    go(go_chan_close, done);
    go_chan_recv(done);
    go_chan_free(c);
    go_chan_free(done);

    EXPECT(1000 * GO_NANOSECOND == GO_MICROSECOND && 1000 * GO_MILLISECOND == GO_SECOND);
    EXPECT(60 * GO_MINUTE == GO_HOUR && sizeof(go_duration) == 8 && sizeof(go_time) == 8);
    EXPECT(!strcmp(go_version(), GO_VERSION));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        EXPECT(functions[i].address);
    macros();
    puts("all there");
    return 0;
}
