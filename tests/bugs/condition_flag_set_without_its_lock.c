/* condition_flag_set_without_its_lock.c - what a condition stands for changes outside the lock (a
 * pattern of moby).
 *
 * The log broadcaster closes itself by setting a flag and waking all, without the lock under which
 * readers look at the flag before they wait: a reader between the two sleeps for ever.  The repair
 * sets the flag under the lock.
 *
 * shows: race read_log close_log
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct log {
    go_mutex mu;
    go_cond more; /* lines or closed changed */
    int lines;    /* guarded by mu */
    bool closed;  /* guarded by mu */
};

static void read_log(struct log *l)
{
    int read = 0;
    go_mutex_lock(&l->mu);
    while (!l->closed) {
        read = l->lines;
        go_cond_wait(&l->more, &l->mu);
    }
    go_mutex_unlock(&l->mu);
    printf("%s\n", read <= 1 ? "read" : "?");
}

static void close_log(struct log *l)
{
#ifdef REPAIRED
    go_mutex_lock(&l->mu);
    l->closed = true;
    go_mutex_unlock(&l->mu);
#else
    l->closed = true;
#endif
    go_cond_broadcast(&l->more);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct log l;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, read_log, &l);
    go_sleep(GO_MILLISECOND); /* it waits */
    close_log(&l);
    go_waitgroup_wait(&wg);
    return 0;
}
