/* recordings.c - a program of many kinds of waiting, for recordings.py: recordings HOW
 *
 *     for-ever      runs until it is killed
 *     restarts DIR  records to DIR/0.gtrace, 1, ... again and again while everything goes on
 *     panic, deadlock, segv, usr2, call   ends, or takes a snapshot, in that way */
#include <goshawk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 4, RECORDINGS = 6, JOBS = 20000 };

static go_mutex mutex;
static long total;

static void worker(go_chan(int) jobs, go_chan(int) results)
{
    go_setname("worker");
    go_chan_range(int, job, jobs) {
        go_mutex_lock(&mutex);
        total += job;
        go_mutex_unlock(&mutex);
        go_chan_send(results, job);
    }
}

static void sleeper(void)
{
    for (;;)
        go_sleep(100 * GO_MICROSECOND);
}

static void sleeps_on(void)
{
    go_sleep(GO_HOUR);
}

static void patient(go_chan(int) never)
{
    go_setname("patient");
    (void)go_chan_recv(never);
}

static void caller(void)
{
    for (;;) {
        go_blocking_begin();
        usleep(100); /* sleeps: a blocking call is what it plays */
        go_blocking_end();
        go_yield();
    }
}

static void helper(go_waitgroup *wg)
{
    go_yield();
    go_waitgroup_done(wg);
}

static void some_work(go_chan(int) jobs, go_chan(int) results, int n)
{
    for (int i = 0; i < n; i++) {
        go_chan_send(jobs, i);
        if (i % 64 == 0) {
            go_waitgroup wg = {0};
            go_waitgroup_add(&wg, 1);
            go(helper, &wg);
            go_waitgroup_wait(&wg);
        }
        (void)go_chan_recv(results);
    }
}

static int restarts(const char *dir, go_chan(int) jobs, go_chan(int) results)
{
    some_work(jobs, results, 1000); /* now all have begun */
    for (int i = 0; i < RECORDINGS; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d.gtrace", dir, i);
        if (go_trace_start(path) != 0)
            return 1;
        some_work(jobs, results, 2000);
        go_trace_stop();
        some_work(jobs, results, 100);
    }
    return 0;
}

int go_main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "for-ever";
    go_chan(int) jobs = go_chan_make(int, 2), results = go_chan_make(int, 0);
    for (int i = 0; i < WORKERS; i++)
        go(worker, jobs, results);
    go(patient, go_chan_make(int, 0));
    if (!strcmp(how, "deadlock")) {
        some_work(jobs, results, JOBS);
        return go_chan_recv(results);
    }
    go(sleeper);
    go(sleeps_on); /* is asleep in each recording, however short it is */
    go(caller);
    if (!strcmp(how, "restarts") && argc > 2)
        return restarts(argv[2], jobs, results);
    do
        some_work(jobs, results, JOBS);
    while (!strcmp(how, "for-ever"));
    if (!strcmp(how, "panic"))
        go_panic("as asked");
    if (!strcmp(how, "segv"))
        raise(SIGSEGV);
    if (!strcmp(how, "usr2")) {
        kill(getpid(), SIGUSR2);
        while (access(getenv("GOSHAWK_FLIGHT_FILE"), R_OK) != 0)
            some_work(jobs, results, 100);
        some_work(jobs, results, JOBS); /* the snapshot is being written meanwhile; */
        char after[4096];               /* this one waits until it is whole */
        snprintf(after, sizeof after, "%s.after", getenv("GOSHAWK_FLIGHT_FILE"));
        return go_trace_snapshot(after);
    }
    if (!strcmp(how, "call"))
        return go_trace_snapshot(getenv("GOSHAWK_FLIGHT_FILE"));
    return 0;
}
