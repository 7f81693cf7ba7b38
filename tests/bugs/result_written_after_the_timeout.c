/* result_written_after_the_timeout.c - who gave up waiting uses the variable that the late one
 * still writes (a pattern of kubernetes).
 *
 * The request runs in a goroutine and leaves its result in a variable; on a timeout
 * finish_request() stores an error into the same variable and returns it. The repair sends the
 * result through a channel with room for it, which the late one can fill though nobody looks.
 *
 * shows: race do_request finish_request
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

static go_waitgroup requests;

struct request {
    int result;
    go_chan(char) done;
    go_chan(int) results; /* room for one */
};

static void do_request(struct request *r)
{
    go_sleep(3 * GO_MILLISECOND); /* a slow backend */
#ifdef REPAIRED
    go_chan_send(r->results, 200);
#else
    r->result = 200;
    go_chan_send(r->done, 1);
#endif
}

static int finish_request(struct request *r)
{
    go_chan(go_time) timeout = go_after(GO_MILLISECOND);
#ifdef REPAIRED
    int result = 0;
    if (go_select(go_recv_case(r->results, &result), go_recv_case(timeout, NULL)) == 1)
        result = -ETIMEDOUT;
#else
    if (go_select(go_recv_case(r->done, NULL), go_recv_case(timeout, NULL)) == 1)
        r->result = -ETIMEDOUT;
    int result = r->result;
#endif
    go_chan_free(timeout);
    return result;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct request r;
    r = (struct request){0, go_chan_make(char, 1), go_chan_make(int, 1)};
    go_waitgroup_go(&requests, do_request, &r);
    int late = finish_request(&r);
    go_waitgroup_wait(&requests);
    printf("%s\n", late == -ETIMEDOUT ? "timed out" : "in time");
    go_chan_free(r.done);
    go_chan_free(r.results);
    return 0;
}
