/* Goroutines that wait, when the program ends, for locks of one another or of who has ended are
 * reported.  GORACE=report_goroutine_leaks=1 reports all that are blocked then: those
 * in the same place once, with what they wait for, who holds it and where they come from.  Who
 * sleeps, computes, or waits for a lock whose holder does, is none of them. */
// only: race
// env: GORACE=atexit_sleep_ms=0 report_goroutine_leaks=1
// exit: 66
// case: readers
// stderr: WARNING: GOROUTINE LEAK
// stderr: Goroutine 2 \(reader\) and 3 more \([-\d, ]+\) are blocked for ever in chan receive, .*:
// stderr:   reader\(\) .*goroutine_leaks\.c:@receives:\d+
// stderr: The chan 0x\w+ was made at:
// stderr:   readers\(\) .*goroutine_leaks\.c:@made:\d+
// stderr: Goroutine 2 \(reader\) created at:
// stderr:   readers\(\) .*goroutine_leaks\.c:@readers:\d+
// stderr: Found 1 goroutine leak\(s\)
// case: readers
// env: GORACE=atexit_sleep_ms=0
// exit: 0
// case: readers
// env: GORACE=atexit_sleep_ms=3600000
// exit: 0
// case: locks
// env: GORACE=atexit_sleep_ms=0
// exit: 0
// case: served
// env: GORACE=atexit_sleep_ms=0
// exit: 0
// case: forgotten
// env: GORACE=atexit_sleep_ms=0
// stderr: Goroutine 3 is blocked for ever in sync\.Mutex\.Lock, on mutex 'mu':
// stderr: The mutex 'mu' is held by goroutine 2, which has ended, taken at:
// stderr: Found 1 goroutine leak\(s\)
// case: handed-on
// env: GORACE=atexit_sleep_ms=0
// exit: 0
// case: circle
// env: GORACE=atexit_sleep_ms=0
// stderr: Goroutine 3 is blocked for ever in sync\.Mutex\.Lock, on mutex 'mv':
// stderr: The mutex 'mv' is held by goroutine 4, taken at:
// stderr: Goroutine 4 is blocked for ever in sync\.Mutex\.Lock, on mutex 'mu':
// stderr: The mutex 'mu' is held by goroutine 3, taken at:
// stderr: Goroutine 5 is blocked for ever in sync\.RWMutex\.Lock, on rwmutex 'rw', .*:
// stderr: The rwmutex 'rw' is held for reading by goroutine 4, taken at:
// stderr: Found 3 goroutine leak\(s\)
// case: twice
// env: GORACE=atexit_sleep_ms=0
// stderr: Goroutine 2 is blocked for ever in sync\.Mutex\.Lock, on mutex 'mu':
// stderr: The mutex 'mu' is held by goroutine 2, taken at:
// stderr: Found 1 goroutine leak\(s\)
// case: once
// env: GORACE=atexit_sleep_ms=0
// stderr: Goroutine 2 is blocked for ever in sync\.Once\.Do, on once 'once':
// stderr: The once 'once' is held by goroutine 2, taken at:
// stderr:   runs_once\(\) .*goroutine_leaks\.c:@runs:\d+
// stderr: Found 1 goroutine leak\(s\)
// case: once-circle
// env: GORACE=atexit_sleep_ms=0
// stderr: Goroutine 3 is blocked for ever in sync\.Mutex\.Lock, on mutex 'mu':
// stderr: The mutex 'mu' is held by goroutine 4, taken at:
// stderr: Goroutine 4 is blocked for ever in sync\.Once\.Do, on once 'once':
// stderr: The once 'once' is held by goroutine 3, taken at:
// stderr: Found 2 goroutine leak\(s\)
// case: once-goes-on
// exit: 0
// case: elsewhere
// stderr: Goroutine 2 \(reader\) and 1 more .* blocked .* in chan receive, the first on .*:
// case: objects
// stderr: Goroutine 2 is blocked .* on waitgroup 'struct job\.wg' at 0x\w+, count 2:
// stderr: The heap block of 16 bytes was allocated at:
// stderr:   objects\(\) .*goroutine_leaks\.c:@allocated:\d+
// stderr: Goroutine 3 is blocked for ever in select, on .*a value of chan \w+ \(cap 0, len 0\).*:
// stderr: Goroutine 4 is blocked for ever in semacquire, on semaphore 'sem', 0 free, 1 wanted:
// stderr: Found 3 goroutine leak\(s\)
// case: locks
// stderr: Goroutine 2 is blocked for ever in chan receive \(nil chan\):
// stderr: Goroutine 3 and 2 more \([-\d, ]+\) are blocked .* in sync\.Mutex\.Lock, on mutex 'mu':
// stderr: The mutex 'mu' is held by goroutine 2, taken at:
// stderr:   holder\(\) .*goroutine_leaks\.c:@takes:\d+
// stderr: Goroutine 6 is blocked .* in sync\.RWMutex\.Lock, on rwmutex 'rw', a writer .*:
// stderr: The rwmutex 'rw' is held for reading by goroutine 2, taken at:
// stderr: Found 3 goroutine leak\(s\)
// case: writers
// stderr: Goroutine 2 and 2 more \([-\d, ]+\) are blocked .* in sync\.RWMutex\.Lock, on rwmutex .*
// stderr: Found 1 goroutine leak\(s\)
// case: no-channels
// stderr: Goroutine 2 is blocked for ever in chan send \(nil chan\):
// stderr: Goroutine 3 is blocked for ever in select, all of whose channels are nil:
// stderr: Goroutine 4 \(reader\) and 1 more \(6\) are blocked .* in chan receive, on chan .*:
// stderr: Goroutine 5 \(reader\) is blocked for ever in chan receive \(nil chan\):
// stderr: Found 4 goroutine leak\(s\)
// case: same-channels
// stderr: Goroutine 2 and 1 more \(3\) are blocked for ever in select, on a value of chan .*
// stderr: Found 1 goroutine leak\(s\)
// case: not-the-same-channels
// stderr: Goroutine 2 and 1 more \(3\) are blocked for ever in select, the first on a value of .*
// stderr: Found 1 goroutine leak\(s\)
// case: forgotten
// stderr: Goroutine 3 is blocked for ever in sync\.Mutex\.Lock, on mutex 'mu':
// stderr: The mutex 'mu' is held by goroutine 2, which has ended, taken at:
// stderr:   forgets_to_unlock\(\) .*goroutine_leaks\.c:@forgets:\d+
// stderr: Found 1 goroutine leak\(s\)
// case: served
// exit: 0
// case: sleepers
// exit: 0
// case: readers-and-sleepers
// stderr: Goroutine 5 \(reader\) and 3 more \([-\d, ]+\) are still blocked in chan receive, on .*
// stderr: Found 1 goroutine leak\(s\)
// case: readers-and-exit
// exit: 3
// stderr: Goroutine 2 \(reader\) and 3 more \([-\d, ]+\) are blocked for ever in chan .*
// stderr: Found 1 goroutine leak\(s\)
// case: readers-and-fork
// stdout: the child is fine
// stderr: Found 1 goroutine leak\(s\)
// case: readers-and-panic
// exit: 2
// stderr: panic: enough
// stderr-not: .*LEAK.*
// case: suppressed thread:^reader$
// exit: 0
// stderr: Suppressions, and how many reports each kept back:
// stderr:  +1 thread:\^reader\$
// case: suppressed race:^reader$
// stderr: Found 1 goroutine leak\(s\)
#include "expect.h"
#include <sys/wait.h>

struct job {
    long n;
    go_waitgroup wg;
};

static go_mutex mu, mv;
static go_rwmutex rw;
static go_once once;
static go_sem sem = GO_SEM_INIT(1);

static __attribute__((noinline)) void reader(go_chan(int) c)
{
    go_setname("reader");
    go_chan_recv(c);      // @receives
    __asm__ volatile(""); /* no tail call */
}

static void readers(bool one_chan)
{
    go_chan(int) c = NULL;
    for (int i = 0; i < (one_chan ? 4 : 2); i++) {
        if (!c || !one_chan)
            c = go_chan_make(int, 0); // @made
        go(reader, c);                // @readers
    }
    await_quiet();
}

static void waits_for_job(struct job *j)
{
    go_waitgroup_wait(&j->wg);
}

static void selects(go_chan(int) c, go_chan(int) d)
{
    go_select(go_recv_case(c, NULL), go_send_case(d, 1));
}

static void acquires(void)
{
    go_sem_acquire(&sem, 1);
}

static void objects(void)
{
    struct job *j = calloc(1, sizeof *j); // @allocated
    go_waitgroup_add(&j->wg, 2);
    go(waits_for_job, j);
    go(selects, go_chan_make(int, 0), go_chan_make(int, 0));
    go_sem_acquire(&sem, 1);
    go(acquires);
    await_quiet();
}

static void holder(int64_t ns)
{
    go_mutex_lock(&mu); // @takes
    go_rwmutex_rlock(&rw);
    if (ns)
        go_sleep(ns);
    else
        go_chan_recv((go_chan(int))NULL);
}

static void locker(void)
{
    go_mutex_lock(&mu);
}

/* Holds another lock meanwhile. */
static void second_locker(void)
{
    go_mutex_lock(&mv);
    go_mutex_lock(&mu);
}

static void third_locker(void)
{
    go_mutex_lock(&mv);
}

static void writer(void)
{
    go_rwmutex_lock(&rw);
}

static volatile int two = 2, three = 3; /* no compiler unrolls so many turns of a loop */

/* All but the first wait for the others at the mutex inside. */
static void writers(void)
{
    go_rwmutex_rlock(&rw);
    for (int i = 0; i < three; i++) {
        go(writer);
        await_quiet();
    }
}

static void sends(go_chan(int) c)
{
    go_chan_send(c, 1);
}

static void selects_one(go_chan(int) c)
{
    go_select(go_recv_case(c, NULL));
}

static void no_channels(void)
{
    go(sends, (go_chan(int))NULL);
    await_quiet();
    go(selects_one, (go_chan(int))NULL);
    await_quiet();
    go_chan(int) c = go_chan_make(int, 0);
    for (int i = 0; i < three; i++) {
        go(reader, i == 1 ? NULL : c);
        await_quiet();
    }
}

static void receives_one_of(go_chan(int) c, go_chan(int) d)
{
    go_select(go_recv_case(c, NULL), go_recv_case(d, NULL));
}

/* The first of the two channels, by address, is the same in both. */
static void channels(const char *what)
{
    go_chan(int) c[3];
    for (int i = 0; i < 3; i++)
        c[i] = go_chan_make(int, 0);
    int low = (void *)c[1] < (void *)c[0];
    low = (void *)c[2] < (void *)c[low] ? 2 : low;
    int other = strcmp(what, "same-channels") == 0 ? 1 : 2;
    for (int i = 0; i < two; i++) {
        go(receives_one_of, c[low], c[(low + (i ? other : 1)) % 3]);
        await_quiet();
    }
}

static void locks(void)
{
    go(holder, 0);
    await_quiet();
    for (int i = 0; i < 3; i++) {
        go(locker);
        await_quiet();
    }
    go(writer);
    await_quiet();
}

static __attribute__((noinline)) void forgets_to_unlock(go_waitgroup *wg)
{
    go_mutex_lock(&mu); // @forgets
    go_waitgroup_done(wg);
}

static void forgotten(void)
{
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 1);
    go(forgets_to_unlock, &wg);
    go_waitgroup_wait(&wg);
    go(locker);
    await_quiet();
}

/* A lock may be released by another one than took it, who lives. */
static void releases_later(void)
{
    go_sleep(GO_HOUR);
    go_mutex_unlock(&mu);
}

static void handed_on(void)
{
    go(releases_later);
    await_in_dump("[sleep]");
    forgotten();
}

/* The holder sleeps: all the others will get their locks, one after the other. */
static void served(void)
{
    go(holder, GO_HOUR);
    await_in_dump("[sleep]");
    go(second_locker);
    await_in_dump("sync.Mutex.Lock");
    go(third_locker);
    go(writer);
    await_quiet();
}

static void sleeper(void)
{
    go_sleep(GO_HOUR);
}

static void mu_then_mv(go_chan(int) met)
{
    go_mutex_lock(&mu);
    go_chan_recv(met);
    go_mutex_lock(&mv);
}

static void mv_then_mu(go_chan(int) met)
{
    go_rwmutex_rlock(&rw);
    go_mutex_lock(&mv);
    go_chan_send(met, 1);
    go_mutex_lock(&mu);
}

/* Two have each other's lock, and one of them what a third wants; others go on. */
static void circle(void)
{
    go_chan(int) met = go_chan_make(int, 0);
    go(sleeper);
    go(mu_then_mv, met);
    go(mv_then_mu, met);
    await_quiet();
    go(writer);
    await_quiet();
}

static void locks_twice(void)
{
    go_mutex_lock(&mu);
    go_mutex_lock(&mu);
}

static void runs_once(void)
{
    go_once_do(&once, runs_once); // @runs
}

static void receives_then_locks(go_chan(int) met)
{
    go_chan_recv(met);
    go_mutex_lock(&mu);
}

static void mu_in_once(go_chan(int) met)
{
    go_once_do(&once, receives_then_locks, met);
}

static void once_under_mu(go_chan(int) met)
{
    go_mutex_lock(&mu);
    go_chan_send(met, 1);
    go_once_do(&once, receives_then_locks, met);
}

/* Who runs the once wants what one holds that waits for the once; another one goes on. */
static void once_circle(void)
{
    go_chan(int) met = go_chan_make(int, 0);
    go(sleeper);
    go(mu_in_once, met);
    await_in_dump("chan receive");
    go(once_under_mu, met);
    await_quiet();
}

static void once_sleeps(void)
{
    go_once_do(&once, sleeper);
}

/* Who runs it sleeps: the others wait for what will end. */
static void once_goes_on(void)
{
    go(once_sleeps);
    await_in_dump("[sleep]");
    go(once_sleeps);
    await_quiet();
}

static void waits_for_timer(void)
{
    go_chan_recv(go_after(GO_HOUR));
}

static void waits_for_context(go_ctx *ctx)
{
    go_select(go_recv_case(go_ctx_done(ctx), NULL));
}

static void sleepers(void)
{
    go(sleeper);
    go(waits_for_timer);
    go(waits_for_context, go_ctx_with_timeout(go_ctx_background(), GO_HOUR));
    await_quiet();
}

/* What the parent has left is not the child's. */
static void forks(void)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        puts("the child is fine");
        exit(0);
    }
    int status;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

/* Starts again with this suppression; the file stays open over exec. */
static void suppressed(char **argv)
{
    char options[160];
    int fd = memfd_create("suppressions", 0);
    EXPECT(fd >= 0 && dprintf(fd, "%s\n", argv[2]) > 0);
    snprintf(options, sizeof options,
             "atexit_sleep_ms=0 report_goroutine_leaks=1 print_suppressions=1 "
             "suppressions=/proc/self/fd/%d",
             fd);
    setenv("GORACE", options, 1);
    start_again((char *[]){argv[0], "readers", NULL});
}

int go_main(int argc, char **argv)
{
    EXPECT(argc >= 2);
    const char *what = argv[1];
    if (strcmp(what, "suppressed") == 0)
        suppressed(argv);
    if (strstr(what, "sleepers"))
        sleepers();
    if (strstr(what, "readers") || strcmp(what, "elsewhere") == 0)
        readers(strcmp(what, "elsewhere") != 0);
    if (strcmp(what, "objects") == 0)
        objects();
    if (strcmp(what, "locks") == 0)
        locks();
    if (strcmp(what, "writers") == 0)
        writers();
    if (strcmp(what, "no-channels") == 0)
        no_channels();
    if (strstr(what, "same-channels"))
        channels(what);
    if (strcmp(what, "forgotten") == 0)
        forgotten();
    if (strcmp(what, "handed-on") == 0)
        handed_on();
    if (strcmp(what, "served") == 0)
        served();
    if (strcmp(what, "circle") == 0)
        circle();
    if (strcmp(what, "once-circle") == 0)
        once_circle();
    if (strcmp(what, "once-goes-on") == 0)
        once_goes_on();
    if (strcmp(what, "once") == 0) {
        go(runs_once);
        await_quiet();
    }
    if (strcmp(what, "twice") == 0) {
        go(locks_twice);
        await_quiet();
    }
    if (strstr(what, "fork"))
        forks();
    if (strstr(what, "panic"))
        go_panic("enough");
    if (strstr(what, "exit"))
        exit(3);
    return 0;
}
