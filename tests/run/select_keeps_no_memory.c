/* A million selects on channels that never get ready, and as many that wait, leave nothing behind:
 * neither in the channels nor in the heap. */
// procs: 1,2
// stdout: nothing is kept
#include "expect.h"

#include <malloc.h>

enum { N = 100000 };

static void answer(go_chan(int) asked, go_chan(int) answers)
{
    go_chan_range(int, v, asked)
        go_chan_send(answers, v);
    go_chan_close(answers);
}

static size_t heap(void)
{
    return mallinfo2().uordblks;
}

static void select_often(go_chan(int) * never, go_chan(int) asked, go_chan(int) answers)
{
    go_case many[10];
    for (int i = 0; i < 9; i++)
        many[i] = go_recv_case(never[i], NULL);
    for (int i = 0; i < N; i++) {
        int v;
        EXPECT(go_select(go_recv_case(never[0], NULL), go_send_case(never[1], 1), go_default) ==
               GO_DEFAULT);
        EXPECT(go_select(go_send_case(asked, i), go_recv_case(never[0], NULL),
                         go_recv_case(never[1], NULL)) == 0);
        many[9] = go_recv_case(answers, &v); /* more than the frame has room for */
        EXPECT(go_select_n(many, 10) == 9 && v == i);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) never[9], asked = go_chan_make(int, 0), answers = go_chan_make(int, 0);
    for (int i = 0; i < 9; i++)
        never[i] = go_chan_make(int, 0);
    go(answer, asked, answers);
    select_often(never, asked, answers);
    size_t before = heap();
    for (int i = 0; i < 3; i++)
        select_often(never, asked, answers);
    EXPECT(heap() <= before + (64 << 10)); /* 900,000 selects: not a byte for each */
    go_chan_close(asked);
    EXPECT(!go_chan_recv_ok(answers, NULL));
    for (int i = 0; i < 9; i++)
        go_chan_free(never[i]);
    puts("nothing is kept");
    return 0;
}
