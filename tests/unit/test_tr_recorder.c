/* The life of a recording: errors, restart, fork. */
#include "tr_file.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "atomic.h"
#include "tr.h"

Test(recorder, errors_come_back_and_nothing_is_recorded)
{
    cr_assert_eq(tr_start("/tmp/goshawk-no-such-folder/x"), -ENOENT);
    cr_assert_eq(tr_start("/tmp"), -EISDIR);
    cr_assert_eq(tr_start("/dev/null"), -EINVAL);
    cr_assert_eq(tr_start(""), -ENOENT);
    cr_assert_eq(tr_on, 0u);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    cr_assert_eq(tr_start(tmp_trace()), -EBUSY);
    tr_stop();
    tr_stop();
    cr_assert_eq(tr_on, 0u);
    unlink(tmp_trace());
}

Test(recorder, percent_p_is_the_process)
{
    char want[100], dir[] = "/tmp/goshawk-dir-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/a%%%%b%%p", dir);
    snprintf(want, sizeof(want), "%s/a%%b%d", dir, (int)getpid());
    cr_assert_eq(tr_start(path), 0);
    tr_stop();
    cr_assert_eq(access(want, F_OK), 0, "%s", want);
    unlink(want);
    rmdir(dir);
}

Test(recorder, streams_opened_before_the_start_and_a_second_recording)
{
    struct tr_info info;
    struct tr_stream *s = tr_stream_open(3, 77);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    some_events(s, 100);
    tr_stop();
    cr_assert_eq(count_events(tmp_trace(), &info), 100u);
    cr_assert_not(info.from_start);
    cr_assert_eq(info.end, TR_END_STOPPED);
    some_events(s, 100); /* after the end: nowhere */
    cr_assert_eq(count_events(tmp_trace(), &info), 100u);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    some_events(s, 7);
    tr_stop();
    cr_assert_eq(count_events(tmp_trace(), &info), 7u);
    tr_stream_close(s);
    unlink(tmp_trace());
}

Test(recorder, a_recording_begun_in_the_middle_with_the_states_told)
{
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    tr_p_start(s, 0);
    tr_go_state(s, 1, TR_STATE_RUNNING, TR_NONE, NULL, NULL);
    tr_go_state(s, 2, TR_STATE_BLOCKED, TR_CHAN_RECV, s, some_events);
    tr_go_state(s, 3, TR_STATE_RUNNABLE, TR_NONE, NULL, NULL);
    tr_go_ready(s, 2, 1, TR_CHAN_RECV, s);
    tr_go_yield(s, 1);
    tr_go_start(s, 3, 0, NULL);
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    while (tr_reader_next(r, &e))
        cr_assert_null(e.wrong, "%s", e.wrong);
    cr_assert_eq(tr_reader_g(r, 1)->state, TR_G_RUNNABLE);
    cr_assert_eq(tr_reader_g(r, 3)->state, TR_G_RUNNING);
    tr_reader_close(r);
    unlink(tmp_trace());
}

static void *record_without_a_stream(void *arg)
{
    (void)arg;
    some_events(NULL, 5000);
    return NULL;
}

Test(recorder, threads_without_a_stream_lose_nothing)
{
    enum { THREADS = 4 };
    pthread_t t[THREADS];
    struct tr_info info;
    cr_assert_eq(tr_start(tmp_trace()), 0);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, record_without_a_stream, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    tr_stop();
    cr_assert_eq(count_events(tmp_trace(), &info), THREADS * 5000u);
    unlink(tmp_trace());
}

Test(recorder, a_limit_that_is_no_size_is_refused)
{
    setenv("GOSHAWK_TRACE_LIMIT", "plenty", 1);
    cr_assert_eq(tr_start(tmp_trace()), -EINVAL);
    setenv("GOSHAWK_TRACE_LIMIT", "-5", 1);
    cr_assert_eq(tr_start(tmp_trace()), -EINVAL);
    setenv("GOSHAWK_TRACE_LIMIT", "10KB", 1);
    cr_assert_eq(tr_start(tmp_trace()), -EINVAL);
    setenv("GOSHAWK_TRACE_LIMIT", "1K", 1);
    cr_assert_eq(tr_start(tmp_trace()), -EFBIG);
    cr_assert_neq(access(tmp_trace(), F_OK), 0, "a file is left");
}

static void fork_after(int n)
{
    struct tr_info info;
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    some_events(s, n);
    some_events(NULL, 3);
    pid_t pid = fork();
    if (pid == 0) {
        if (tr_on != 0)
            _exit(1);
        some_events(s, 1000); /* a hook that was late */
        some_events(NULL, 1000);
        tr_stop();
        char mine[80];
        snprintf(mine, sizeof(mine), "%s.child", tmp_trace());
        if (tr_start(mine) != 0)
            _exit(2);
        some_events(NULL, 50);
        tr_stop();
        struct tr_info child;
        _exit(count_events(mine, &child) == 50 && unlink(mine) == 0 ? 0 : 3);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    some_events(s, n);
    tr_stop();
    cr_assert_eq(count_events(tmp_trace(), &info), 2u * (unsigned)n + 4);
    cr_assert_null(info.problem, "the child has written into its parent's chunk");
    tr_stream_close(s);
    unlink(tmp_trace());
}

Test(recorder, the_child_of_a_fork_records_nothing)
{
    fork_after(10);
    fork_after(LONG);
}

Test(recorder, a_running_recording_is_called_so_and_an_old_file_is_not_cut_under_it)
{
    struct tr_info info;
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    some_events(s, 10);
    count_events(tmp_trace(), &info);
    cr_assert_eq(info.end, TR_END_RUNNING);
    pid_t pid = fork(); /* another process records to the same name */
    if (pid == 0)
        _exit(tr_start(tmp_trace()) == 0 ? 0 : 1);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
    some_events(s, 100000); /* no SIGBUS */
    tr_stop();
    unlink(tmp_trace());
}

/* Writers never stop while recordings come and go: none may crash, and every file is whole.  They
 * rest while a file is read, which is nothing to them and takes long beside them. */
enum { WRITERS = 3, RESTARTS = 60 };
static uint32_t writers_stop;
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

static void *write_all_the_time(void *arg)
{
    uint32_t m = (uint32_t)(uintptr_t)arg;
    struct tr_stream *s = m ? tr_stream_open(m, m) : NULL; /* one of them has no stream */
    char name[32];
    for (uint64_t i = 1; !at_load_acq(&writers_stop); i++) { /* [stop] */
        if (at_load_rlx(&tr_on))                             /* relaxed: as the host's hooks do */
            tr_go_ready(s, i, 0, TR_NONE, NULL);
        if (i % 256 == 0) {
            pthread_mutex_lock(&reading);
            pthread_mutex_unlock(&reading);
        }
        if (at_load_rlx(&tr_on) && i % 64 == 0) { /* relaxed: likewise */
            snprintf(name, sizeof(name), "name %d", (int)(i % 4096));
            tr_go_name(s, i, name);
            tr_go_block(s, i, TR_MUTEX, s);
        }
    }
    tr_stream_close(s);
    return NULL;
}

static void check_whole(const char *path)
{
    struct tr_reader *r = open_trace(path);
    struct tr_event e;
    uint64_t last[WRITERS] = {0};
    while (tr_reader_next(r, &e)) {
        unsigned m = e.m == UINT32_MAX ? 0 : e.m;
        if (e.type == TR_EV_GO_READY) {
            cr_assert(last[m] == 0 || e.g == last[m] + 1, "a record is missing");
            last[m] = e.g;
        }
        if (e.type == TR_EV_GO_NAME)
            cr_assert_eq(strncmp(e.text, "name ", 5), 0, "%s", e.text);
    }
    cr_assert_null(tr_reader_info(r)->problem, "%s", tr_reader_info(r)->problem);
    tr_reader_close(r);
}

Test(recorder, recordings_start_and_stop_under_writers)
{
    pthread_t t[WRITERS];
    for (uintptr_t i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&t[i], NULL, write_all_the_time, (void *)i), 0);
    for (int i = 0; i < RESTARTS; i++) {
        cr_assert_eq(tr_start(tmp_trace()), 0);
        if (i % 4 == 0)
            sched_yield();
        tr_stop();
        pthread_mutex_lock(&reading);
        check_whole(tmp_trace());
        pthread_mutex_unlock(&reading);
    }
    at_store_rel(&writers_stop, 1u); /* [stop] */
    for (int i = 0; i < WRITERS; i++)
        pthread_join(t[i], NULL);
    unlink(tmp_trace());
}

/* ---- in the middle of a run ---- */

static void tell_all(tr_tell *tell, void *arg)
{
    tell(arg, &(struct tr_alive){.g = 1, .state = TR_STATE_RUNNING, .name = "runs"});
    tell(arg, &(struct tr_alive){.g = 2,
                                 .state = TR_STATE_BLOCKED,
                                 .why = TR_MUTEX,
                                 .obj = &writers_stop,
                                 .fn = (const void *)some_events,
                                 .name = "waits"});
    tell(arg, &(struct tr_alive){.g = 3, .state = TR_STATE_RUNNABLE, .name = ""});
}

static uint32_t three(void)
{
    return 3;
}

Test(recorder, who_lives_when_a_recording_begins_is_told)
{
    static const struct tr_host host = {tell_all, three};
    tr_host_is(&host);
    struct tr_stream *s = tr_stream_open(0, 1);
    cr_assert_eq(tr_start(tmp_trace()), 0);
    tr_go_here(s, 1, 2, NULL);
    tr_go_here(s, 1, 2, NULL); /* is known */
    tr_go_yield(s, 3);         /* it ran after all: its own event counts */
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    int here = 0;
    while (tr_reader_next(r, &e)) {
        cr_assert_null(e.wrong, "%s", e.wrong);
        here += e.type == TR_EV_GO_STATE && e.g == 1;
    }
    cr_assert_eq(here, 1, "told once");
    cr_assert_eq(tr_reader_g(r, 1)->p, 2);
    cr_assert_eq(tr_reader_g(r, 2)->state, TR_G_BLOCKED);
    cr_assert_eq(tr_reader_g(r, 2)->why, TR_MUTEX);
    cr_assert_eq(tr_reader_g(r, 2)->fn, (uintptr_t)some_events);
    cr_assert_str_eq(tr_reader_g(r, 2)->name, "waits");
    cr_assert_eq(tr_reader_g(r, 3)->state, TR_G_RUNNABLE);
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(recorder, stacks_may_be_left_out)
{
    struct tr_stream *s = tr_stream_open(0, 1);
    for (int with = 0; with < 2; with++) {
        setenv("GOSHAWK_TRACE_STACKS", with ? "2" : "0", 1);
        cr_assert_eq(tr_start(tmp_trace()), 0);
        tr_go_block(s, 1, TR_MUTEX, s);
        tr_stop();
        struct tr_reader *r = open_trace(tmp_trace());
        struct tr_event e;
        while (tr_reader_next(r, &e))
            if (e.type == TR_EV_GO_BLOCK)
                break;
        size_t n = 0;
        (void)tr_reader_stack(r, e.stack, &n);
        cr_assert_eq(n, with ? 2u : 0u);
        tr_reader_close(r);
        unlink(tmp_trace());
    }
}
