/* errno and the rounding mode belong to the goroutine, whichever thread it goes on with. */
// procs: 1,4
// stdout: ok
#include "expect.h"

#include <errno.h>
#include <fenv.h>

static go_waitgroup wg;

/* Not a read of a remembered address: errno's is the thread's. */
static __attribute__((noinline)) int read_errno(void)
{
    return errno;
}

static __attribute__((noinline)) void write_errno(int e)
{
    errno = e;
}

static __attribute__((noinline)) double divide(double a, double b)
{
    return a / b;
}

static void check(int i, go_chan(int) c)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    int mode = modes[i % 4];
    fesetround(mode);
    volatile double one = 1, three = 3;
    double third = divide(one, three);
    for (int k = 0; k < 200; k++) {
        write_errno(i * 1000 + k);
        if (k % 3 == 0)
            go_yield();
        else if (k % 3 == 1)
            go_chan_send(c, i);
        else
            go_chan_recv(c);
        EXPECT(read_errno() == i * 1000 + k);
        EXPECT(fegetround() == mode);
        EXPECT(divide(one, three) == third);
    }
    go_waitgroup_done(&wg);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    EXPECT(fegetround() == FE_TONEAREST);
    go_chan(int) c = go_chan_make(int, 1000);
    for (int i = 0; i < 500; i++)
        go_chan_send(c, 0);
    for (int i = 0; i < 12; i++) {
        go_waitgroup_add(&wg, 1);
        go(check, i, c);
    }
    go_waitgroup_wait(&wg);
    EXPECT(fegetround() == FE_TONEAREST);
    puts("ok");
    return 0;
}
