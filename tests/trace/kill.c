/* kill.c - a recording killed at a random instant is whole: kill [ROUNDS [SEED]]
 *
 * Two questions, each asked in every round.
 *   Is it consistent?  The pretended runtime of synth.c is killed while it plays; its trace must
 *   open without a problem and pass the state machines.
 *   Is anything lost?  Threads record numbered events and say in shared memory, after each one,
 *   how far they are; after the kill the trace must have every event up to there. */
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

enum { THREADS = 3, ROUNDS = 25, DELAY_MAX_US = 4000 };

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
    if (kill(pid, SIGKILL) != 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        fail(round, "the child did not live until it was killed");
}

static void read_back(int round, int numbered)
{
    char err[TR_ERR_MAX];
    struct tr_reader *r;
    struct tr_event e;
    uint64_t seen[THREADS] = {0};
    if (tr_reader_open(path, &r, err) != 0)
        fail(round, err);
    while (tr_reader_next(r, &e)) {
        if (!numbered && e.wrong)
            fail(round, e.wrong);
        if (numbered && e.type == TR_EV_GO_READY && e.g != ++seen[e.m])
            fail(round, "an event is missing in the middle");
    }
    const struct tr_info *i = tr_reader_info(r);
    if (i->problem)
        fail(round, i->problem);
    if (i->end != TR_END_KILLED)
        fail(round, "the trace does not say that its program was killed");
    for (int t = 0; numbered && t < THREADS; t++)
        if (seen[t] < at_load_acq(&shared->done[t])) /* [done] */
            fail(round, "a committed event is lost");
    tr_reader_close(r);
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
            read_back(i, numbered);
        }
    unlink(path);
    printf("%d recordings killed, none lost anything (seed=%llu)\n", 2 * rounds,
           (unsigned long long)seed);
    return 0;
}
