/* Goroutines that start goroutines, as fast as they can: every one runs, and memory is used again.
 * */
// stdout: 111111 goroutines ran
// stdout: 200000 one after the other
#include "expect.h"

#include <stdatomic.h>

static atomic_long ran;
static go_waitgroup wg;

static void tree(int levels)
{
    atomic_fetch_add(&ran, 1);
    if (levels)
        for (int i = 0; i < 10; i++)
            go_waitgroup_go(&wg, tree, levels - 1);
}

static void one(void)
{
    atomic_fetch_add(&ran, 1);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup_go(&wg, tree, 5);
    go_waitgroup_wait(&wg);
    printf("%ld goroutines ran\n", atomic_load(&ran));
    atomic_store(&ran, 0);
    for (int i = 0; i < 200000; i++) {
        go_waitgroup_go(&wg, one);
        if (i % 16 == 0)
            go_waitgroup_wait(&wg);
    }
    go_waitgroup_wait(&wg);
    printf("%ld one after the other\n", atomic_load(&ran));
    return 0;
}
