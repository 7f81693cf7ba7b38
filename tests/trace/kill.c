/* kill.c - a recording killed at a random instant is whole: kill [ROUNDS [SEED]]
 *
 * Two questions, each asked in every round.
 *   Is it consistent?  The pretended runtime of synth.c is killed while it plays; its trace must
 *   open without a problem and pass the state machines; before, while it plays, too.
 *   Is anything lost?  Threads record numbered events and say in shared memory, after each one,
 *   how far they are; after the kill the trace must have every event up to there.  Before it,
 *   while they go on, it can be read without a gap. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "atomic.h"
#include "rand.h"
#include "reader.h"
#include "synth.h"

#define HOW_ENDED "the trace does not say whether its program runs or was killed"

enum { THREADS = 3, ROUNDS = 25, DELAY_MAX_US = 4000, FAST_MAX = 200000 };

static struct shared {
    uint64_t done[THREADS]; /* events that thread i has recorded */
} * shared;

static char path[64];
static uint64_t seed = 1;

static _Noreturn void fail(int round, const char *what)
{
    fprintf(stderr, "FAIL kill round=%d seed=%llu: %s (trace kept: %s)\n", round,
            (unsigned long long)seed, what, path);
    exit(1);
}

static void *count_up(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;
    struct tr_stream *s = tr_stream_open(i, i);
    for (uint64_t n = 1;; n++) {
        tr_go_ready(s, n, 0, TR_NONE, NULL);
        at_store_rel(&shared->done[i], n); /* [done] the event is committed */
        if (n > FAST_MAX)                  /* or the file grows faster than it can be read */
            usleep(50);                    /* sleeps: to be slow, not to wait */
    }
    return NULL;
}

static _Noreturn void child(int ready, int numbered)
{
    char byte = tr_start(path) == 0;
    if (write(ready, &byte, 1) != 1)
        abort();
    if (!numbered)
        synth_play_for_ever(&(struct synth){.work_ns = 500});
    pthread_t t[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, count_up, (void *)(uintptr_t)i);
    for (;;)
        pause();
}

/* The trace has no gap; its program has ended so. */
static void read_numbers(int round, enum tr_end end)
{
    char err[TR_ERR_MAX];
    struct tr_reader *r;
    struct tr_event e;
    uint64_t seen[THREADS] = {0}, done[THREADS];
    for (int t = 0; t < THREADS; t++)
        done[t] = at_load_acq(&shared->done[t]); /* [done] */
    if (tr_reader_open(path, &r, err) != 0)
        fail(round, err);
    while (tr_reader_next(r, &e))
        if (e.type == TR_EV_GO_READY && e.g != ++seen[e.m])
            fail(round, "an event is missing in the middle");
    if (tr_reader_info(r)->problem)
        fail(round, tr_reader_info(r)->problem);
    if (tr_reader_info(r)->end != end)
        fail(round, HOW_ENDED);
    for (int t = 0; t < THREADS; t++)
        if (seen[t] < done[t])
            fail(round, "a committed event is lost");
    tr_reader_close(r);
}

/* What it says is consistent. */
static void read_states(int round, enum tr_end end)
{
    char err[TR_ERR_MAX];
    struct tr_reader *r;
    struct tr_event e;
    if (tr_reader_open(path, &r, err) != 0)
        fail(round, err);
    while (tr_reader_next(r, &e))
        if (e.wrong)
            fail(round, e.wrong);
    if (tr_reader_info(r)->problem)
        fail(round, tr_reader_info(r)->problem);
    if (tr_reader_info(r)->end != end)
        fail(round, HOW_ENDED);
    tr_reader_close(r);
}

/* Starts a child, lets it record for a random while, kills it. */
static void record_and_kill(int round, int numbered, struct rt_rand *r)
{
    int fds[2], status;
    char byte = 0;
    memset(shared, 0, sizeof(*shared));
    if (pipe(fds) != 0)
        fail(round, "pipe");
    pid_t pid = fork();
    if (pid == 0)
        child(fds[1], numbered);
    close(fds[1]);
    if (read(fds[0], &byte, 1) != 1 || byte != 1)
        fail(round, "the child could not record");
    close(fds[0]);
    struct timespec t = {0, rand_below(r, DELAY_MAX_US) * 1000l};
    nanosleep(&t, NULL); /* sleeps: until the random instant of the kill; any is right */
    if (rand_below(r, 2))
        numbered ? read_numbers(round, TR_END_RUNNING) : read_states(round, TR_END_RUNNING);
    if (kill(pid, SIGKILL) != 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        fail(round, "the child did not live until it was killed");
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
    struct rt_rand r = {seed};
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof(path), "/tmp/goshawk-kill-%d.gtrace", (int)getpid());
    for (int i = 0; i < rounds; i++)
        for (int numbered = 0; numbered < 2; numbered++) {
            record_and_kill(i, numbered, &r);
            numbered ? read_numbers(i, TR_END_KILLED) : read_states(i, TR_END_KILLED);
        }
    unlink(path);
    printf("%d recordings killed, none lost anything (seed=%llu)\n", 2 * rounds,
           (unsigned long long)seed);
    return 0;
}
