/* Weighted semaphores bound what goes on at the same time, first come first served; a group starts
 * goroutines, limits them and gives the first error. */
// stdout: ok
#include "expect.h"

#include <stdatomic.h>

static go_sem sem = GO_SEM_INIT(5);
static go_waitgroup wg;
static atomic_int inside, inside_max;

static void enter(int weight)
{
    int now = atomic_fetch_add(&inside, weight) + weight;
    EXPECT(now <= 5);
    int max = atomic_load(&inside_max);
    while (now > max && !atomic_compare_exchange_weak(&inside_max, &max, now))
        ;
    go_yield();
    atomic_fetch_sub(&inside, weight);
}

static void use(int weight)
{
    for (int i = 0; i < 100; i++) {
        go_sem_acquire(&sem, weight);
        enter(weight);
        go_sem_release(&sem, weight);
    }
}

static void bounded(void)
{
    for (int i = 0; i < 10; i++)
        go_waitgroup_go(&wg, use, i % 5 + 1);
    go_waitgroup_wait(&wg);
    EXPECT(atomic_load(&inside_max) > 1);
    EXPECT(go_sem_tryacquire(&sem, 5) && !go_sem_tryacquire(&sem, 1));
    go_sem_release(&sem, 5);
}

static void take(go_sem *s, int n, atomic_int *state, int to)
{
    go_sem_acquire(s, n);
    atomic_store(state, to);
}

/* A large request that waits is not overtaken by a small one. */
static void first_come_first_served(void)
{
    static go_sem s = GO_SEM_INIT(2);
    static atomic_int large, small;
    go_sem_acquire(&s, 2);
    go_waitgroup_go(&wg, take, &s, 3, &large, 1);
    await_quiet(); /* the large one waits */
    go_sem_release(&s, 2);
    EXPECT(!go_sem_tryacquire(&s, 1) && !atomic_load(&large));
    go_waitgroup_go(&wg, take, &s, 1, &small, 1);
    await_quiet(); /* and the small one behind it */
    go_sem_release(&s, 1);
    while (!atomic_load(&large))
        go_yield();
    EXPECT(!atomic_load(&small));
    go_sem_release(&s, 3);
    go_waitgroup_wait(&wg);
    EXPECT(atomic_load(&small));
}

static int task(void *arg)
{
    int v = *(int *)arg;
    enter(1);
    return v == 7 ? -77 : 0;
}

static void groups(void)
{
    go_group g = {0};
    int numbers[40];
    EXPECT(go_group_wait(&g) == 0);
    for (int round = 0; round < 2; round++) {
        go_group_limit(&g, 5);
        for (int i = 0; i < 40; i++) {
            numbers[i] = round ? 0 : i;
            go_group_go(&g, task, &numbers[i]);
        }
        EXPECT(go_group_wait(&g) == (round ? 0 : -77));
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    bounded();
    first_come_first_served();
    groups();
    puts("ok");
    return 0;
}
