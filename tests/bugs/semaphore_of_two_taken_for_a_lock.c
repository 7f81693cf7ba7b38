/* semaphore_of_two_taken_for_a_lock.c - a limit on how many is no exclusion (a pattern of
 * kubernetes).
 *
 * Image pulls are limited to two at a time by a semaphore, and the record of pulls is written
 * inside it as if it were a lock. The repair guards the record with a mutex.
 *
 * shows: race pull_image pull_image
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static go_sem slots = GO_SEM_INIT(2);
#ifdef REPAIRED
static go_mutex mu; /* guards the record */
#endif
static int last_pulled;
static int pulls;

static void pull_image(int image, go_chan(char) begun, go_chan(char) layers)
{
    go_sem_acquire(&slots, 1);
    go_chan_send(begun, 1);
    go_chan_recv(layers);
#ifdef REPAIRED
    go_mutex_lock(&mu);
#endif
    last_pulled = image;
    pulls++;
#ifdef REPAIRED
    go_mutex_unlock(&mu);
#endif
    go_sem_release(&slots, 1);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) begun = go_chan_make(char, 3), layers = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    for (int image = 1; image <= 3; image++)
        go_waitgroup_go(&wg, pull_image, image, begun, layers);
    go_chan_recv(begun);
    go_chan_recv(begun);
    go_chan_close(layers); /* of two, at the same time */
    go_waitgroup_wait(&wg);
    printf("%d pulls, last %d\n", pulls, last_pulled);
    go_chan_free(begun);
    go_chan_free(layers);
    return 0;
}
