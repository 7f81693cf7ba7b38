// The headers work from C++: goroutines, untyped channels, locks.
// stdout: ok from C++
#include <goshawk.h>

#include <cstdio>
#include <cstdlib>
#include <string>

static go_waitgroup wg;
static go_mutex mu;
static int sum;

static void add(int a, double b, const std::string *s)
{
    go_mutex_lock(&mu);
    sum += a + static_cast<int>(b) + static_cast<int>(s->size());
    go_mutex_unlock(&mu);
    go_waitgroup_done(&wg);
}

static void send(void *c)
{
    int v = 42;
    go_chan_send_from(c, &v);
}

extern "C" int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    std::string s = "four";
    go_waitgroup_add(&wg, 10);
    for (int i = 0; i < 10; i++)
        go(add, i, 1.5, &s);
    go_waitgroup_wait(&wg);
    if (sum != 45 + 10 + 40)
        return 1;

    void *c = go_chan_new(sizeof(int), 0);
    go_start(send, c);
    int v = 0;
    if (!go_chan_recv_into(c, &v) || v != 42)
        return 2;
    go_chan_free(c);
    std::puts("ok from C++");
    return 0;
}
