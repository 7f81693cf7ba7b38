/* callers_report_to_stopped_benchmark.c - results are sent on after the end (after grpc-go #660).
 *
 * Each caller of a closed-loop benchmark makes calls until it is told to stop, and looks for that
 * only between two of them; the result in hand is sent to a collector that has stopped by then.
 * The repair makes the stop a case of the send.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

enum { CALLERS = 4, WANTED = 6 };

struct benchmark {
    go_chan(char) stop;
    go_chan(int) latencies;
};

static bool stopped(struct benchmark *b)
{
    return go_select(go_recv_case(b->stop, NULL), go_default) == 0;
}

static void call_in_a_loop(struct benchmark *b)
{
    for (int latency = 1; !stopped(b); latency++)
#ifdef REPAIRED
        if (go_select(go_send_case(b->latencies, latency), go_recv_case(b->stop, NULL)) == 1)
            return;
#else
        go_chan_send(b->latencies, latency);
#endif
}

static int collect(struct benchmark *b)
{
    int sum = 0;
    for (int i = 0; i < WANTED; i++)
        sum += go_chan_recv(b->latencies);
    return sum;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct benchmark b = {.stop = go_chan_make(char, 0), .latencies = go_chan_make(int, 0)};
    for (int i = 0; i < CALLERS; i++)
        go(call_in_a_loop, &b);
    int sum = collect(&b);
    wait_for_quiet();
    go_chan_close(b.stop);
    wait_for_quiet();
    return sum < WANTED;
}
