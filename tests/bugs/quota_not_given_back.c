/* quota_not_given_back.c - a semaphore is not released on an error (a pattern of cockroach).
 *
 * Proposals take from a pool of quota as many bytes as they have and give them back when they are
 * applied.  One that is refused returns before it gives back, and a large one never gets enough.
 * The repair gives back on that way too.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>

enum { POOL = 8 };

static go_sem quota = GO_SEM_INIT(POOL);

static int propose(int bytes, bool refused)
{
    go_sem_acquire(&quota, bytes);
    if (refused) {
#ifdef REPAIRED
        go_sem_release(&quota, bytes);
#endif
        return -EAGAIN;
    }
    go_sem_release(&quota, bytes);
    return 0;
}

static void client(int bytes, bool refused, go_chan(int) errors)
{
    go_chan_send(errors, propose(bytes, refused));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) errors = go_chan_make(int, 0);
    int failed = 0;
    go(client, 2, true, errors);
    failed += go_chan_recv(errors) != 0;
    go(client, 3, false, errors);
    go(client, POOL, false, errors);
    for (int i = 0; i < 2; i++)
        failed += go_chan_recv(errors) != 0;
    return failed != 1;
}
