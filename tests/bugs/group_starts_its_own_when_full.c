/* group_starts_its_own_when_full.c - members of a full group wait to start more (a pattern of
 * cockroach).
 *
 * A walk over a tree starts a goroutine of the group for each child, and the group has a limit.
 * When all its places are taken by goroutines that wait to start one, none is given back.  The
 * repair walks the children in the goroutine that found them.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdatomic.h>

enum { LIMIT = 2, DEPTH = 3 };

static go_group group;
static atomic_int leaves;
static int depth_of[DEPTH + 1] = {0, 1, 2, 3};

static int walk(void *arg)
{
    int depth = *(int *)arg;
    if (depth == DEPTH) {
        atomic_fetch_add(&leaves, 1);
        return 0;
    }
    for (int i = 0; i < 2; i++)
#ifdef REPAIRED
        walk(&depth_of[depth + 1]);
#else
        go_group_go(&group, walk, &depth_of[depth + 1]);
#endif
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_group_limit(&group, LIMIT);
    go_group_go(&group, walk, &depth_of[0]);
    go_group_go(&group, walk, &depth_of[0]);
    int err = go_group_wait(&group);
    return err || leaves != 16;
}
