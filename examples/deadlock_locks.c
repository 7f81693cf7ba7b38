/* deadlock_locks.c - two locks, taken in opposite order.
 *
 * One goroutine holds A and wants B, the other holds B and wants A.  Here they even wait until both
 * have their first lock, so that it happens every time; in real programs it happens on a bad day.
 * The cure: everybody takes the locks in the same order.
 *
 *     goshawk run deadlock_locks.c
 *
 * Prints: "fatal error: all goroutines are asleep - deadlock!" with the stacks of the two and of
 * main, who waits for them; the exit code is 2 */
#include <goshawk.h>

static go_mutex a, b;
static go_waitgroup both, all;

static void lock_in_order(go_mutex *first, go_mutex *second)
{
    go_mutex_lock(first);
    go_waitgroup_done(&both);
    go_waitgroup_wait(&both);
    go_mutex_lock(second);
    go_mutex_unlock(second);
    go_mutex_unlock(first);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup_add(&both, 2);
    go_waitgroup_go(&all, lock_in_order, &a, &b);
    go_waitgroup_go(&all, lock_in_order, &b, &a);
    go_waitgroup_wait(&all);
    return 0;
}
