/* half_of_the_capacity_each.c - two requests take the breaker's capacity piece by piece (a pattern
 * of serving).
 *
 * A request of weight two acquires one unit of the semaphore, looks something up, and acquires the
 * second.  Two such requests at a capacity of two have one unit each and want another.  The repair
 * acquires both at once.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { CAPACITY = 2, WEIGHT = 2 };

static go_sem capacity = GO_SEM_INIT(CAPACITY);
static go_waitgroup looked_up; /* forces the order: both have done their look-up */

static void look_up_revision(void)
{
    go_waitgroup_done(&looked_up);
    go_waitgroup_wait(&looked_up);
}

static void serve(int id)
{
#ifdef REPAIRED
    look_up_revision();
    go_sem_acquire(&capacity, WEIGHT);
#else
    go_sem_acquire(&capacity, 1);
    look_up_revision();
    go_sem_acquire(&capacity, WEIGHT - 1);
#endif
    printf("request %d\n", id);
    go_sem_release(&capacity, WEIGHT);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup requests = {0};
    go_waitgroup_add(&looked_up, 2);
    for (int id = 1; id <= 2; id++)
        go_waitgroup_go(&requests, serve, id);
    go_waitgroup_wait(&requests);
    return 0;
}
