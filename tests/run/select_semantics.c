/* Select as in Go: a ready case at random and fairly, default only when none is, each case
 * evaluated once, nil channels never, closed ones always, the same channel in several cases. */
// stdout: ok
#include "expect.h"

typedef go_chan(int) int_chan;

/* 3000 draws among three: each a third, within six standard deviations of 26. */
static void fair(void)
{
    int_chan a = go_chan_make(int, 1), b = go_chan_make(int, 1), c = go_chan_make(int, 1);
    int hits[3] = {0};
    go_chan_close(a);
    go_chan_close(b);
    go_chan_close(c);
    for (int i = 0; i < 3000; i++)
        hits[go_select(go_recv_case(a, NULL), go_recv_case(b, NULL), go_recv_case(c, NULL))]++;
    for (int i = 0; i < 3; i++)
        EXPECT(hits[i] > 1000 - 156 && hits[i] < 1000 + 156);
}

static void default_and_nil(void)
{
    int_chan c = go_chan_make(int, 1), none = NULL;
    int v = 5;
    bool ok = true;
    EXPECT(go_select(go_recv_case(c, &v), go_default) == GO_DEFAULT && v == 5);
    EXPECT(go_select(go_default) == GO_DEFAULT);
    EXPECT(go_select(go_recv_case(none, &v), go_send_case(none, 1), go_default) == GO_DEFAULT);
    EXPECT(go_select(go_send_case(c, 7), go_recv_case(none, NULL), go_default) == 0);
    EXPECT(go_select(go_recv_case(none, NULL), go_recv_case(c, &v, &ok)) == 1 && v == 7 && ok);
    go_chan_close(c);
    EXPECT(go_select(go_recv_case(c, &v, &ok), go_default) == 0 && v == 0 && !ok);
}

static int evaluated;

static int_chan eval(int_chan c)
{
    evaluated++;
    return c;
}

static int value(int v)
{
    evaluated++;
    return v;
}

static void evaluated_once(void)
{
    int_chan a = go_chan_make(int, 1), b = go_chan_make(int, 1);
    int v;
    EXPECT(go_select(go_send_case(eval(a), value(3)), go_recv_case(eval(b), &v)) == 0);
    EXPECT(evaluated == 3);
    EXPECT(go_chan_recv(a) == 3);
}

static void same_channel_twice(void)
{
    int_chan c = go_chan_make(int, 1);
    int hits[3] = {0};
    for (int i = 0; i < 600; i++) {
        int v = -1, w = -1;
        int k = go_select(go_send_case(c, 10), go_recv_case(c, &v), go_recv_case(c, &w));
        hits[k]++;
        EXPECT(k == 0 || (k == 1 && v == 10 && w == -1) || (k == 2 && w == 10 && v == -1));
    }
    EXPECT(hits[0] == 300 && hits[1] > 60 && hits[2] > 60);
}

static void talk(int_chan a, int_chan b, int n, int_chan sum_to)
{
    int sum = 0, sent = 0, received = 0;
    while (sent < n || received < n) {
        int v = 0;
        switch (go_select(go_send_case(sent < n ? a : NULL, sent),
                          go_recv_case(received < n ? b : NULL, &v))) {
        case 0:
            sent++;
            break;
        case 1:
            received++;
            sum += v;
            break;
        }
    }
    go_chan_send(sum_to, sum);
}

/* Two goroutines that both select on both channels, in opposite directions. */
static void crossing(size_t cap)
{
    int_chan a = go_chan_make(int, cap), b = go_chan_make(int, cap), sums = go_chan_make(int, 0);
    go(talk, a, b, 1000, sums);
    go(talk, b, a, 1000, sums);
    EXPECT(go_chan_recv(sums) == 499500);
    EXPECT(go_chan_recv(sums) == 499500);
}

struct large {
    long word[40];
};

static void send_by_select(go_chan(struct large) c)
{
    for (int i = 0; i < 10; i++) {
        struct large l;
        for (int k = 0; k < 40; k++)
            l.word[k] = i * k;
        go_select(go_send_case(c, l), go_recv_case((int_chan)NULL, NULL));
    }
}

static void large_elements(size_t cap)
{
    go_chan(struct large) c = go_chan_make(struct large, cap);
    go(send_by_select, c);
    for (int i = 0; i < 10; i++) {
        struct large l;
        go_select(go_recv_case(c, &l), go_recv_case((int_chan)NULL, NULL));
        for (int k = 0; k < 40; k++)
            EXPECT(l.word[k] == i * k);
    }
}

static void cases_of_an_array(void)
{
    enum { N = 40 };
    int_chan c[N];
    go_case cases[N];
    int v = -1;
    for (int i = 0; i < N; i++)
        c[i] = go_chan_make(int, 1);
    for (int round = 0; round < 200; round++) {
        int pick = round * 7 % N;
        go_chan_send(c[pick], round);
        for (int i = 0; i < N; i++)
            cases[i] = go_recv_case(c[i], &v);
        EXPECT(go_select_n(cases, N) == pick && v == round);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    fair();
    default_and_nil();
    evaluated_once();
    same_channel_twice();
    crossing(0);
    crossing(3);
    large_elements(0);
    large_elements(2);
    cases_of_an_array();
    puts("ok");
    return 0;
}
