/* A plain thread whose last act is to wake a goroutine leaves no deadlock behind, however soon it
 * ends: nobody may count the threads, find none, and not see whom the last one has woken. */
// procs: 1,2
// timeout: 60
// stdout: woken 2000 times
#include "expect.h"

#include <pthread.h>

static void *wake(void *c)
{
    go_chan_send((go_chan(int))c, 1);
    return NULL;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) c = go_chan_make(int, 0);
    int n = 0;
    for (int i = 0; i < 2000; i++) {
        pthread_t t;
        EXPECT(pthread_create(&t, NULL, wake, (void *)c) == 0);
        EXPECT(pthread_detach(t) == 0);
        n += go_chan_recv(c);
    }
    printf("woken %d times\n", n);
    return 0;
}
