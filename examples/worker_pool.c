/* worker_pool.c - a producer, four workers, one collector: a schedule worth looking at.
 *
 * The producer sends ranges of numbers into a small channel, the workers count the primes in them
 * and send the counts on, the collector adds them up.  The ranges cost very different amounts of
 * time, so the timeline shows workers that compute, workers that wait for work and a producer that
 * waits for room.
 *
 *     goshawk run -trace pool.gtrace worker_pool.c
 *     goshawk trace timeline pool.gtrace
 *
 * Prints: 48 jobs, 6695 primes, and then how many jobs the four workers did together */
#include <goshawk.h>
#include <stdio.h>

enum { WORKERS = 4, JOBS = 48 };

struct job {
    int from, to; /* numbers from..to-1 */
};

static go_mutex stats_lock;
static int jobs_done; /* guarded by stats_lock */

static bool is_prime(int n)
{
    if (n < 2)
        return false;
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0)
            return false;
    return true;
}

static void produce(go_chan(struct job) jobs)
{
    go_setname("producer");
    int from = 0;
    for (int i = 0; i < JOBS; i++) {
        int size = 200 + i * 7 % 5 * 600; /* 200 to 2600 numbers */
        go_chan_send(jobs, (struct job){from, from + size});
        from += size;
    }
    go_chan_close(jobs);
}

static void work(int id, go_chan(struct job) jobs, go_chan(int) results)
{
    char name[32];
    snprintf(name, sizeof name, "worker %d", id);
    go_setname(name);
    go_chan_range(struct job, job, jobs) {
        int primes = 0;
        for (int n = job.from; n < job.to; n++)
            primes += is_prime(n);
        go_mutex_lock(&stats_lock);
        jobs_done++;
        go_mutex_unlock(&stats_lock);
        go_chan_send(results, primes);
    }
}

static void collect(go_chan(int) results, go_chan(int) total)
{
    go_setname("collector");
    int sum = 0;
    go_chan_range(int, primes, results)
        sum += primes;
    go_chan_send(total, sum);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(struct job) jobs = go_chan_make(struct job, 4);
    go_chan(int) results = go_chan_make(int, 0);
    go_chan(int) total = go_chan_make(int, 0);
    go_waitgroup workers = {0};

    go(produce, jobs);
    for (int id = 1; id <= WORKERS; id++)
        go_waitgroup_go(&workers, work, id, jobs, results);
    go(collect, results, total);

    go_waitgroup_wait(&workers);
    go_chan_close(results);
    printf("%d jobs, %d primes\n", JOBS, go_chan_recv(total));
    printf("the workers did %d\n", jobs_done);
    go_chan_free(jobs);
    go_chan_free(results);
    go_chan_free(total);
    return 0;
}
