/* exit_of_a_goroutine_with_a_lock.c - a goroutine ends itself in the middle of a critical section
 * (a pattern of etcd).
 *
 * A failed check ends the goroutine of a member, as t.FailNow() does, and what comes after the
 * check is not run, the unlock among it.  The repair defers the unlock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { MEMBERS = 2 };

struct cluster {
    go_mutex mu;
    int terms[MEMBERS], checked; /* mu */
};

static void require(bool ok)
{
    if (!ok)
        go_exit();
}

static void check(struct cluster *c, int member)
{
    go_mutex_lock(&c->mu);
#ifdef REPAIRED
    go_defer(go_mutex_unlock, &c->mu);
#endif
    c->checked++;
    require(c->terms[member] == 2);
    c->terms[member]++;
#ifndef REPAIRED
    go_mutex_unlock(&c->mu);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct cluster c = {.terms = {1, 1}};
    go_waitgroup wg = {0};
    for (int i = 0; i < MEMBERS; i++)
        go_waitgroup_go(&wg, check, &c, i);
    go_waitgroup_wait(&wg);
    go_mutex_lock(&c.mu);
    return c.checked != MEMBERS;
}
