/* read_unlocked_twice.c - a helper unlocks what its caller unlocks by a deferred call (a pattern of
 * syncthing).
 *
 * The fast path of the helper gives the read lock back before it returns, and so does the caller at
 * the end of its block.  The repair leaves it to the caller.
 *
 * shows: panic sync: RUnlock of unlocked RWMutex
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct model {
    go_rwmutex mu;
    int folders[3]; /* guarded by mu */
};

static int completion(struct model *m, int folder)
{
    if (folder >= 3) {
#ifndef REPAIRED
        go_rwmutex_runlock(&m->mu);
#endif
        return -1;
    }
    return m->folders[folder];
}

static void serve(struct model *m, int folder, go_chan(int) answers)
{
    int percent;
    {
        go_rwmutex_rlock(&m->mu);
        go_defer(go_rwmutex_runlock, &m->mu);
        percent = completion(m, folder);
    }
    go_chan_send(answers, percent);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct model m = {.folders = {100, 50, 0}};
    go_chan(int) answers = go_chan_make(int, 0);
    for (int folder = 2; folder <= 3; folder++) {
        go(serve, &m, folder, answers);
        printf("%d%%\n", go_chan_recv(answers));
    }
    go_chan_free(answers);
    return 0;
}
