/* done_twice_on_the_error_path.c - a goroutine is done once where it fails, and once at its end (a
 * pattern of kubernetes).
 *
 * The error path counts the goroutine done and goes on to the common end, which does it again.  The
 * repair counts it done in one place.
 *
 * shows: panic sync: negative WaitGroup counter
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { VOLUMES = 3 };

static int mounted;
static go_mutex mu; /* guards mounted */
static go_waitgroup mounts;

static bool mount_volume(int id)
{
    if (id == 1)
        return false;
    go_mutex_lock(&mu);
    mounted++;
    go_mutex_unlock(&mu);
    return true;
}

static void attach_volume(int id)
{
    go_defer(go_waitgroup_done, &mounts);
    if (!mount_volume(id)) {
        printf("volume %d: no such device\n", id);
#ifndef REPAIRED
        go_waitgroup_done(&mounts);
#endif
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int id = 0; id < VOLUMES; id++) {
        go_waitgroup_add(&mounts, 1);
        go(attach_volume, id);
    }
    go_waitgroup_wait(&mounts);
    go_sleep(2 * GO_MILLISECOND); /* the last one ends */
    printf("%d mounted\n", mounted);
    return 0;
}
