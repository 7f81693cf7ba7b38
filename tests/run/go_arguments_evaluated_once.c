/* Arguments are evaluated once, in the caller, before the goroutine starts; a go inside an argument
 * list is complete before the outer one. */
// stdout: ok
#include "expect.h"

static int calls, fn_calls;
static go_chan(int) results;

static int next(void)
{
    return ++calls;
}

static void report(int v)
{
    go_chan_send(results, v);
}

static void report_sum(int a, int b, int c)
{
    go_chan_send(results, a + b + c);
}

static void (*pick(void))(int)
{
    fn_calls++;
    return report;
}

static int start_inner(int v)
{
    go(report, v);
    return v + 1;
}

static int sum_of_results(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += go_chan_recv(results);
    return sum;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    results = go_chan_make(int, 64);

    go(report, next());
    EXPECT(calls == 1);
    EXPECT(sum_of_results(1) == 1 && calls == 1);

    int v = 5;
    go(report, v++);
    EXPECT(v == 6);
    v = 100;
    EXPECT(sum_of_results(1) == 5);

    go(report_sum, start_inner(1), start_inner(10), start_inner(100));
    EXPECT(sum_of_results(4) == 1 + 10 + 100 + 114);

    go(report_sum, ({
           go(report, 1000);
           1;
       }),
       ({
           go(report_sum, start_inner(1), 2, 3);
           2;
       }),
       3);
    EXPECT(sum_of_results(4) == 1000 + 1 + 7 + 6);

    go(pick(), 9);
    EXPECT(sum_of_results(1) == 9);
    printf("%s\n", fn_calls == 1 ? "ok" : "the function expression was evaluated again");
    return 0;
}
