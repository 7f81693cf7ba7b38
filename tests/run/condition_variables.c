/* Condition variables: signal wakes one, in order; broadcast wakes all; nothing else does. */
// stdout: ok
#include "expect.h"

static go_mutex mu;
static go_cond cond;
static go_waitgroup wg;
static int waiting, turn, order[50], woken;

static void wait_in_line(int i)
{
    go_mutex_lock(&mu);
    EXPECT(waiting == i);
    waiting++;
    go_cond_wait(&cond, &mu);
    order[woken++] = i;
    go_mutex_unlock(&mu);
}

/* Waiters queue one after the other, so that the order is known. */
static void queue_up(int n)
{
    for (int i = 0; i < n; i++) {
        go_waitgroup_go(&wg, wait_in_line, i);
        for (bool there = false; !there; go_yield()) {
            go_mutex_lock(&mu);
            there = waiting == i + 1;
            go_mutex_unlock(&mu);
        }
    }
}

static void signal_wakes_the_first(void)
{
    queue_up(50);
    for (int i = 0; i < 50; i++) {
        go_mutex_lock(&mu);
        go_cond_signal(&cond);
        go_mutex_unlock(&mu);
        for (bool there = false; !there; go_yield()) {
            go_mutex_lock(&mu);
            EXPECT(woken <= i + 1);
            there = woken == i + 1;
            go_mutex_unlock(&mu);
        }
    }
    go_waitgroup_wait(&wg);
    for (int i = 0; i < 50; i++)
        EXPECT(order[i] == i);
    go_cond_signal(&cond); /* nobody waits: nothing happens */
}

static void take_turns(int me, int n, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        go_mutex_lock(&mu);
        while (turn % n != me)
            go_cond_wait(&cond, &mu);
        turn++;
        go_cond_broadcast(&cond);
        go_mutex_unlock(&mu);
    }
}

static void broadcast_wakes_all(void)
{
    for (int i = 0; i < 8; i++)
        go_waitgroup_go(&wg, take_turns, i, 8, 100);
    go_waitgroup_wait(&wg);
    EXPECT(turn == 800);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    signal_wakes_the_first();
    broadcast_wakes_all();
    puts("ok");
    return 0;
}
