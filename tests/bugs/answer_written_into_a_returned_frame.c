/* answer_written_into_a_returned_frame.c - a goroutine outlives the function whose variable it
 * writes (a pattern of grpc-go).
 *
 * ping() gives up after a while and returns, and the goroutine that it started then writes the
 * answer into ping()'s frame, where the next call keeps its own variables.  The repair keeps the
 * answer in a channel with room for it.
 *
 * shows: race await_pong fill
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static go_waitgroup pings;

static void await_pong(int *ret_answer, go_chan(int) answers)
{
    go_sleep(3 * GO_MILLISECOND);
#ifdef REPAIRED
    (void)ret_answer;
    go_chan_send(answers, 1);
#else
    *ret_answer = 1;
    go_chan_send(answers, 0); /* only says that it is there */
#endif
}

static __attribute__((noinline)) int ping(go_chan(int) answers)
{
    int answer[8] = {0};
    go_chan(go_time) timeout = go_after(GO_MILLISECOND);
    go_waitgroup_go(&pings, await_pong, &answer[4], answers);
    int n = 0;
    int chosen = go_select(go_recv_case(answers, &n), go_recv_case(timeout, NULL));
    go_chan_free(timeout);
    return chosen == 0 ? n + answer[4] : -1;
}

static __attribute__((noinline)) void fill(unsigned *state, unsigned seed)
{
    for (int i = 0; i < 64; i++)
        state[i] = seed += 7u * (unsigned)i;
}

static __attribute__((noinline)) unsigned checksum(unsigned seed)
{
    unsigned state[64];
    fill(state, seed);
    go_sleep(5 * GO_MILLISECOND); /* the disk */
    for (int i = 0; i < 64; i++)
        seed ^= state[i];
    return seed;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) answers = go_chan_make(int, 1);
    printf("ping: %d\n", ping(answers));
    printf("checksum: %x\n", checksum(1));
    go_waitgroup_wait(&pings);
    go_chan_free(answers);
    return 0;
}
