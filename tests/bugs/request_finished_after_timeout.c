/* request_finished_after_timeout.c - the result of a request comes after its timeout (after
 * kubernetes #5316).
 *
 * A handler runs the storage's call in a goroutine and selects on its result, its error and a
 * timer.  When the timer comes first nobody will ever receive, and the goroutine stays at its
 * send.  The repair gives both channels room for one value.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

#ifdef REPAIRED
enum { ROOM = 1 };
#else
enum { ROOM = 0 };
#endif

struct request {
    go_chan(int) result, error;
    go_chan(char) stored; /* closed by the storage, in its own time */
};

static void call_storage(struct request *r)
{
    go_chan_recv(r->stored);
    int version = 17;
    if (version > 0)
        go_chan_send(r->result, version);
    else
        go_chan_send(r->error, -EIO);
}

static int finish_request(struct request *r, go_duration timeout)
{
    go(call_storage, r);
    go_chan(go_time) late = go_after(timeout);
    int value = 0;
    switch (go_select(go_recv_case(r->result, &value), go_recv_case(r->error, &value),
                      go_recv_case(late, NULL))) {
    case 2:
        value = -ETIMEDOUT;
    }
    go_chan_free(late);
    return value;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct request r;
    r = (struct request){go_chan_make(int, ROOM), go_chan_make(int, ROOM), go_chan_make(char, 0)};
    if (finish_request(&r, GO_MILLISECOND) == -ETIMEDOUT)
        printf("504 Gateway Timeout\n");
    go_chan_close(r.stored); /* the storage is ready now */
    return 0;
}
