/* test_point.c - preemption at synchronising calls: only when asked for, repeatable, and harmless
 * where a goroutine must not be switched. */
#include "in_child.h"
#include <goshawk.h>
#include <pthread.h>

enum { STEPS = 6 };

static char trail[2 * STEPS + 1];
static int length;
static go_mutex mu;

/* Everybody has a lock of his own, so nothing but preemption mixes them. */
static void walk(int name)
{
    go_mutex own = {0};
    for (int i = 0; i < STEPS; i++) {
        go_mutex_lock(&own);
        trail[length++] = (char)name;
        go_mutex_unlock(&own);
    }
}

static int two_walk(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, walk, 'a');
    go_waitgroup_go(&wg, walk, 'b');
    go_waitgroup_wait(&wg);
    puts(trail);
    return 0;
}

/* Nothing between the two blocks: whoever begins also ends first. */
static bool in_turn(const char *walked)
{
    return !strcmp(walked, "aaaaaabbbbbb\n") || !strcmp(walked, "bbbbbbaaaaaa\n");
}

static struct child walk_under(int seed, const char *debug)
{
    static char setting[40];
    snprintf(setting, sizeof setting, "GOSHAWK_SEED=%d", seed);
    return in_child(two_walk, setting, debug, NULL);
}

Test(point, nobody_is_preempted_without_being_asked)
{
    unsetenv("GOSHAWK_DEBUG");
    for (int seed = 0; seed < 20; seed++) {
        struct child c = walk_under(seed, NULL);
        cr_expect(in_turn(c.out), "seed %d: %s", seed, c.out);
    }
}

Test(point, every_call_may_be_one_and_the_seed_decides)
{
    int mixed = 0;
    for (int seed = 0; seed < 30; seed++) {
        struct child c = walk_under(seed, "GOSHAWK_DEBUG=preempt");
        struct child again = walk_under(seed, "GOSHAWK_DEBUG=preempt");
        cr_expect_str_eq(c.out, again.out, "seed %d", seed);
        mixed += !in_turn(c.out);
    }
    cr_expect(mixed > 12, "%d of 30", mixed);
}

static void *thread(void *c)
{
    for (int i = 0; i < 100; i++)
        go_chan_send((go_chan(int))c, i);
    return NULL;
}

static void forward(go_chan(int) from, go_chan(int) to)
{
    go_chan_range(int, v, from)
        go_chan_send(to, v);
}

static int all_kinds(int argc, char **argv)
{
    (void)argc, (void)argv;
    pthread_t t;
    go_chan(int) c = go_chan_make(int, 1), d = go_chan_make(int, 0);
    go(forward, c, d);
    pthread_create(&t, NULL, thread, (void *)c);
    for (int i = 0; i < 100; i++) {
        if (go_chan_recv(d) != i)
            return 1;
        go_blocking_begin();
        go_mutex_lock(&mu);
        go_mutex_unlock(&mu);
        go_blocking_end();
        go_lock_thread();
        go_mutex_lock(&mu);
        go_mutex_unlock(&mu);
        go_unlock_thread();
    }
    pthread_join(t, NULL);
    puts("all arrived");
    return 0;
}

Test(point, is_nothing_in_threads_and_without_a_processor)
{
    struct child c = in_child(all_kinds, "GOSHAWK_DEBUG=preempt", "GOMAXPROCS=2", NULL);
    EXPECT_STATUS(&c, 0);
    EXPECT_SAYS(&c, "all arrived");
    c = in_child(all_kinds, "GOSHAWK_DEBUG=preempt", "GOSHAWK_SEED=5", NULL);
    EXPECT_STATUS(&c, 0);
}
