/* task_of_limited_group_starts_another.c - a task of a group with a limit starts tasks of the same
 * group (a pattern of serving).
 *
 * The sync of a service runs in a group that allows two tasks at a time, and each sync starts the
 * sync of its revision in that group.  When two services are synced both wait for a free place,
 * and neither ends.  The repair has a group for the revisions.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { SERVICES = 2 };

static go_group services, revisions;
static go_chan(char) syncing; /* forces the order: both services are being synced */

static int sync_revision(void *arg)
{
    printf("revision %s\n", (const char *)arg);
    return 0;
}

static int sync_service(void *arg)
{
    go_chan_recv(syncing);
#ifdef REPAIRED
    go_group_go(&revisions, sync_revision, arg);
#else
    go_group_go(&services, sync_revision, arg);
#endif
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static char name[SERVICES][8] = {"hello", "world"};
    syncing = go_chan_make(char, 0);
    go_group_limit(&services, SERVICES);
    go_group_limit(&revisions, SERVICES);
    for (int i = 0; i < SERVICES; i++)
        go_group_go(&services, sync_service, name[i]);
    go_chan_close(syncing);
    int err = go_group_wait(&services);
    return err ? err : go_group_wait(&revisions);
}
