/* flight.c - snapshots of the flight recorder are whole traces: flight [SNAPSHOTS [SEED]]
 *
 * The pretended runtime of synth.c plays while the flight recorder keeps a small ring; snapshots
 * are taken meanwhile, of all and of the last moments.  Each must pass the state machines as
 * strictly as a recording from the start of a program: every goroutine, thread and processor is
 * told at its beginning. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "clock.h"
#include "rand.h"
#include "reader.h"
#include "synth.h"

enum { SNAPSHOTS = 30, RING = 4 << 16, MOMENT_NS = 300000 };

static char path[64];
static uint64_t seed = 1, events, goroutines;

static _Noreturn void fail(int round, const char *what)
{
    fprintf(stderr, "FAIL flight snapshot=%d seed=%llu: %s (trace kept: %s)\n", round,
            (unsigned long long)seed, what, path);
    exit(1);
}

static void *play(void *options)
{
    synth_play_for_ever(options);
    return NULL;
}

static void check(int round, int64_t longest_ns)
{
    char err[TR_ERR_MAX];
    struct tr_reader *r;
    struct tr_event e;
    if (tr_reader_open(path, &r, err) != 0)
        fail(round, err);
    const struct tr_info *i = tr_reader_info(r);
    while (tr_reader_next(r, &e)) {
        if (e.wrong)
            fail(round, e.wrong);
        goroutines += e.type == TR_EV_GO_STATE;
        events++;
    }
    if (i->problem)
        fail(round, i->problem);
    if (i->end != TR_END_STOPPED || !i->taken)
        fail(round, "the trace does not say that it is a snapshot");
    if (longest_ns && i->end_ns > longest_ns + longest_ns / 10)
        fail(round, "the snapshot is longer than what was asked for");
    tr_reader_close(r);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : SNAPSHOTS;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)clock_nanos();
    struct rt_rand r = {seed};
    struct synth options = {.seed = seed, .work_ns = 300};
    pthread_t t;
    snprintf(path, sizeof(path), "/tmp/goshawk-flight-%d.gtrace", (int)getpid());
    tr_host_is(&synth_host);
    if (tr_flight(RING, 0) != 0 || pthread_create(&t, NULL, play, &options) != 0)
        fail(0, "cannot begin");
    for (int i = 0; i < rounds; i++) {
        int64_t moment = rand_below(&r, 2) ? MOMENT_NS : 0;
        usleep(rand_below(&r, 3000)); /* sleeps: any instant is right */
        int64_t begin = clock_nanos();
        if (tr_snapshot(path, moment, "a test") != 0)
            fail(i, "no snapshot");
        check(i, moment ? moment + clock_nanos() - begin : 0);
    }
    unlink(path);
    if (events < (uint64_t)rounds * 100 || goroutines < (uint64_t)rounds * 3)
        fail(rounds, "the snapshots had next to nothing in them");
    printf("%d snapshots, %llu events, %llu states told (seed=%llu)\n", rounds,
           (unsigned long long)events, (unsigned long long)goroutines, (unsigned long long)seed);
    return 0;
}
