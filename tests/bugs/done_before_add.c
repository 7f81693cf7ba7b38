/* done_before_add.c - a goroutine is done before it was counted (a pattern of kubernetes).
 *
 * The pool starts its worker first and counts it then.  A worker that has nothing to do is done
 * before that.  The repair counts before it starts.
 *
 * shows: panic sync: negative WaitGroup counter
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct pool {
    go_waitgroup wg;
    go_chan(int) jobs;
};

static void work(struct pool *p)
{
    go_chan_range(int, job, p->jobs)
        printf("job %d\n", job);
    go_waitgroup_done(&p->wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct pool p = {.jobs = go_chan_make(int, 1)};
    go_chan_close(p.jobs);
#ifdef REPAIRED
    go_waitgroup_add(&p.wg, 1);
    go(work, &p);
#else
    go(work, &p);
    go_sleep(2 * GO_MILLISECOND); /* the pool reads its configuration */
    go_waitgroup_add(&p.wg, 1);
#endif
    go_waitgroup_wait(&p.wg);
    go_chan_free(p.jobs);
    return 0;
}
