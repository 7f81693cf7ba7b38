/* layers_hold_slots_parents_need.c - downloads hold their slots while they wait for other
 * downloads (a pattern of moby).
 *
 * A semaphore lets two layers be downloaded at a time.  A layer is registered on top of its
 * parent, so it waits for the parent's end, with its slot: when the two uppermost layers come
 * first the others get no slot.  The repair waits for the parent without it.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { LAYERS = 4, AT_A_TIME = 2 };

static struct layer {
    struct layer *parent;
    go_chan(char) registered; /* closed when it is */
} layers[LAYERS];

static go_sem slots = GO_SEM_INIT(AT_A_TIME);
static go_waitgroup downloads;

static void fetch(struct layer *l)
{
    (void)l;
    go_yield();
}

static void download(struct layer *l)
{
    go_sem_acquire(&slots, 1);
    fetch(l);
#ifdef REPAIRED
    go_sem_release(&slots, 1);
#endif
    if (l->parent)
        go_chan_recv(l->parent->registered);
    go_chan_close(l->registered);
#ifndef REPAIRED
    go_sem_release(&slots, 1);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < LAYERS; i++)
        layers[i] = (struct layer){i ? &layers[i - 1] : NULL, go_chan_make(char, 0)};
    for (int i = LAYERS - 1; i >= 0; i--) { /* the uppermost layer is the first in the manifest */
        go_waitgroup_go(&downloads, download, &layers[i]);
        go_sleep(GO_MILLISECOND); /* requests leave a moment apart */
    }
    go_waitgroup_wait(&downloads);
    printf("pull complete\n");
    return 0;
}
