/* done_skipped_on_error.c - a worker returns an error before its done (a pattern of etcd).
 *
 * The group is counted up by hand and down at the end of each member's snapshot; a member that
 * cannot be reached returns before.  The repair defers the done.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>

enum { MEMBERS = 3 };

struct cluster {
    go_waitgroup wg;
    int size[MEMBERS]; /* bytes or -errno */
};

static int fetch(int member)
{
    return member == 1 ? -EHOSTUNREACH : 100 * member;
}

static void snapshot(struct cluster *c, int member)
{
#ifdef REPAIRED
    go_defer(go_waitgroup_done, &c->wg);
#endif
    c->size[member] = fetch(member);
    if (c->size[member] < 0)
        return;
    c->size[member] += 8; /* its head */
#ifndef REPAIRED
    go_waitgroup_done(&c->wg);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct cluster c;
    go_waitgroup_add(&c.wg, MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        go(snapshot, &c, i);
    go_waitgroup_wait(&c.wg);
    return c.size[2] != 208 || c.size[1] != -EHOSTUNREACH;
}
