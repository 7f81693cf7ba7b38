/* result_nobody_reads.c - a result is sent to a caller that has given up (after kubernetes #5316).
 *
 * The handler does its work in a goroutine and waits for its result or for the end of its time.
 * When the time ends first the goroutine sends to a channel that nobody reads any more, for ever.
 * The repair gives the channel room for the one result.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>

#ifdef REPAIRED
enum { ROOM = 1 };
#else
enum { ROOM = 0 };
#endif

static void work(go_chan(int) result, go_chan(int) slow)
{
    int request = go_chan_recv(slow);
    go_chan_send(result, request + 1);
}

/* False: it took too long. */
static bool handle(go_chan(int) slow, int *ret_result)
{
    go_chan(int) result = go_chan_make(int, ROOM);
    go_chan(go_time) late = go_after(GO_MILLISECOND);
    go_time when;
    go(work, result, slow);
    return go_select(go_recv_case(result, ret_result), go_recv_case(late, &when)) == 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) slow = go_chan_make(int, 0);
    int result;
    bool in_time = handle(slow, &result);
    go_chan_send(slow, 1);
    go_yield();
    return in_time;
}
