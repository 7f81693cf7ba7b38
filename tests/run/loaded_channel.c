/* A channel at which many wait costs no more for each of them: twice as many take about twice as
 * long.  Linear lists that are searched would take four times as long. */
// procs: 1
// timeout: 120
// stdout: linear
#include "expect.h"

#include <time.h>

/* The processor's time: what others take of it on a busy machine does not count. */
static int64_t used(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * GO_SECOND + t.tv_nsec;
}

static void wait_at_two(go_chan(int) shared, go_chan(int) own, go_waitgroup *wg)
{
    go_select(go_recv_case(shared, NULL), go_recv_case(own, NULL));
    go_waitgroup_done(wg);
}

/* n goroutines select on a shared channel and one of their own; each is woken by its own, the last
 * comer first, so that the shared queue is left from its end. */
static int64_t unload(int n)
{
    go_chan(int) shared = go_chan_make(int, 0);
    go_chan(int) *own = calloc((size_t)n, sizeof *own);
    go_waitgroup wg = {0};
    for (int i = 0; i < n; i++) {
        own[i] = go_chan_make(int, 0);
        go_waitgroup_add(&wg, 1);
        go(wait_at_two, shared, own[i], &wg);
    }
    await_quiet(); /* all of them wait now */
    int64_t start = used();
    for (int i = n; i-- > n / 2;)
        go_chan_send(own[i], 1);
    for (int i = 0; i < n / 2; i++)
        go_chan_send(shared, 1);
    go_waitgroup_wait(&wg);
    int64_t took = used() - start;
    for (int i = 0; i < n; i++)
        go_chan_free(own[i]);
    go_chan_free(shared);
    free(own);
    return took;
}

static int64_t best_of(int times, int n)
{
    int64_t best = INT64_MAX;
    while (times-- > 0) {
        int64_t d = unload(n);
        best = d < best ? d : best;
    }
    return best;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    unload(8000); /* makes the stacks */
    int64_t few = 0, many = 0;
    for (int tries = 0; tries < 5; tries++) { /* a busy machine may spoil one */
        few = best_of(3, 1000);
        many = best_of(3, 8000);
        if (many < 32 * few) { /* 8 is linear, 64 quadratic */
            puts("linear");
            return 0;
        }
    }
    printf("%lld ns for 1000, %lld ns for 8000\n", (long long)few, (long long)many);
    return 1;
}
