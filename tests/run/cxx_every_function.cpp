// Every public function, and every macro without a typed channel, from C++.
// stdout: all there, from C++
#include <goshawk.h>

#include <cstdio>
#include <cstdlib>

typedef void (*any_function)();
#define FUNCTION(f) reinterpret_cast<any_function>(f)

static const any_function functions[] = {
    // go.h, base.h, time.h, panic.h
    FUNCTION(go_run), FUNCTION(go_start), FUNCTION(go_yield), FUNCTION(go_exit),
    FUNCTION(go_sleep), FUNCTION(go_id), FUNCTION(go_setname), FUNCTION(go_maxprocs),
    FUNCTION(go_numcpu), FUNCTION(go_numgoroutine), FUNCTION(go_lock_thread),
    FUNCTION(go_unlock_thread), FUNCTION(go_checkpoint), FUNCTION(go_blocking_begin),
    FUNCTION(go_blocking_end), FUNCTION(go_dump), FUNCTION(go_set_stack_size),
    FUNCTION(go_version), FUNCTION(go_now), FUNCTION(go_since), FUNCTION(go_panic),
    FUNCTION(go_recover),
    // chan.h, select.h
    FUNCTION(go_chan_new), FUNCTION(go_chan_send_from), FUNCTION(go_chan_recv_into),
    FUNCTION(go_chan_try_send_from), FUNCTION(go_chan_try_recv_into), FUNCTION(go_chan_close),
    FUNCTION(go_chan_len), FUNCTION(go_chan_cap), FUNCTION(go_chan_free), FUNCTION(go_select_n),
    // mutex.h, rwmutex.h, waitgroup.h, cond.h, sem.h, group.h
    FUNCTION(go_mutex_lock), FUNCTION(go_mutex_trylock), FUNCTION(go_mutex_unlock),
    FUNCTION(go_rwmutex_rlock), FUNCTION(go_rwmutex_tryrlock), FUNCTION(go_rwmutex_runlock),
    FUNCTION(go_rwmutex_lock), FUNCTION(go_rwmutex_trylock), FUNCTION(go_rwmutex_unlock),
    FUNCTION(go_waitgroup_add), FUNCTION(go_waitgroup_done), FUNCTION(go_waitgroup_wait),
    FUNCTION(go_cond_wait), FUNCTION(go_cond_signal), FUNCTION(go_cond_broadcast),
    FUNCTION(go_sem_acquire), FUNCTION(go_sem_tryacquire), FUNCTION(go_sem_release),
    FUNCTION(go_group_go), FUNCTION(go_group_limit), FUNCTION(go_group_wait),
    // timer.h, context.h
    FUNCTION(go_after), FUNCTION(go_timer_new), FUNCTION(go_timer_chan), FUNCTION(go_timer_stop),
    FUNCTION(go_timer_reset), FUNCTION(go_timer_free), FUNCTION(go_after_func),
    FUNCTION(go_ticker_new), FUNCTION(go_ticker_chan), FUNCTION(go_ticker_reset),
    FUNCTION(go_ticker_stop), FUNCTION(go_ticker_free), FUNCTION(go_ctx_background),
    FUNCTION(go_ctx_with_cancel), FUNCTION(go_ctx_with_timeout), FUNCTION(go_ctx_with_deadline),
    FUNCTION(go_ctx_with_value), FUNCTION(go_ctx_done), FUNCTION(go_ctx_err),
    FUNCTION(go_ctx_value), FUNCTION(go_ctx_cancel), FUNCTION(go_ctx_free),
    // io.h
    FUNCTION(go_fd_wait), FUNCTION(go_fd_close), FUNCTION(go_read), FUNCTION(go_read_deadline),
    FUNCTION(go_write), FUNCTION(go_write_deadline),
    // metrics.h
    FUNCTION(go_metrics_read), FUNCTION(go_metrics_latency), FUNCTION(go_metrics_print),
    // race.h, trace.h
    FUNCTION(go_race_enabled), FUNCTION(go_race_acquire), FUNCTION(go_race_release),
    FUNCTION(go_race_release_merge), FUNCTION(go_race_read), FUNCTION(go_race_write),
    FUNCTION(go_race_disable), FUNCTION(go_race_enable), FUNCTION(go_race_errors), FUNCTION(go_race_on_report),
    FUNCTION(go_trace_start), FUNCTION(go_trace_stop), FUNCTION(go_trace_task),
    FUNCTION(go_trace_flight), FUNCTION(go_trace_snapshot),
    FUNCTION(go_trace_task_end), FUNCTION(go_trace_log),
};

static int calls;

static void call(int n)
{
    calls += n;
}

static void need(bool holds, int line)
{
    if (holds)
        return;
    std::fprintf(stderr, "line %d does not hold\n", line);
    std::exit(1);
}
#define NEED(x) need(x, __LINE__)

static void ends_early()
{
    go_defer(call, 1);
    go_exit();
}

static void panics(void *arg)
{
    go_defer(call, 1);
    go_panic("%s", static_cast<const char *>(arg));
}

static void macros()
{
    static go_waitgroup wg;
    static go_once once;
    static go_sem sem = GO_SEM_INIT(1);
    go_waitgroup_go(&wg, call, 1);
    go_waitgroup_go(&wg, ends_early);
    go_waitgroup_wait(&wg);
    NEED(calls == 2);
    go_once_do(&once, call, 1);
    go_once_do(&once, call, 1);
    NEED(calls == 3);
    go_trace_region("block")
        call(1);
    char text[] = "from C++";
    const char *told = go_recover(panics, text);
    NEED(told && told[0] == 'f' && calls == 5);
    NEED(go_sem_tryacquire(&sem, 1) && !go_sem_tryacquire(&sem, 1));
}

/* Channels without types: the cases of a select are made by the functions behind the macros. */
static void channels()
{
    void *c = go_chan_new(sizeof(int), 1), *d = go_chan_new(sizeof(int), 0);
    int v = 3, w = 0;
    bool ok = true;
    go_case cases[] = {go_recv_case_(d, &w, &ok), go_send_case_(c, &v, sizeof v),
                       go_default_case_()};
    NEED(go_select_n(cases, 3) == 1 && go_select_n(cases, 3) == GO_DEFAULT);
    NEED(go_chan_try_recv_into(c, &w) && w == 3 && !go_chan_try_recv_into(c, &w));
    go(go_chan_close, d);
    NEED(!go_chan_recv_into(d, &w) && w == 0);
    go_chan_free(c);
    go_chan_free(d);
}

extern "C" int go_main(int, char **)
{
    for (any_function f : functions)
        NEED(f != nullptr);
    macros();
    channels();
    std::puts("all there, from C++");
    return 0;
}
