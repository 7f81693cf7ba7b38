/* table_returned_out_of_its_lock.c - a getter locks, and returns the address of what it guarded (a
 * pattern of kubernetes).
 *
 * labels_of() takes the lock only to hand out a pointer to the labels, which the caller then reads
 * while others change them.  The repair copies under the lock.
 *
 * shows: race print_labels set_label
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { LABELS = 4 };

struct labels {
    int value[LABELS];
};

struct node {
    go_rwmutex mu;
    struct labels labels; /* guarded by mu */
};

#ifdef REPAIRED
static struct labels labels_of(struct node *n)
{
    go_rwmutex_rlock(&n->mu);
    struct labels copy = n->labels;
    go_rwmutex_runlock(&n->mu);
    return copy;
}
#else
static struct labels *labels_of(struct node *n)
{
    go_rwmutex_rlock(&n->mu);
    struct labels *l = &n->labels;
    go_rwmutex_runlock(&n->mu);
    return l;
}
#endif

static void set_label(struct node *n, int key, int value)
{
    go_rwmutex_lock(&n->mu);
    n->labels.value[key] = value;
    go_rwmutex_unlock(&n->mu);
}

static void print_labels(struct node *n, go_chan(char) may_print)
{
#ifdef REPAIRED
    struct labels copy = labels_of(n), *l = &copy;
#else
    struct labels *l = labels_of(n);
#endif
    go_chan_recv(may_print);
    for (int i = 0; i < LABELS; i++)
        printf(" %d", l->value[i]);
    printf("\n");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct node n;
    go_chan(char) may_print = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, print_labels, &n, may_print);
    go_chan_send(may_print, 1);
    set_label(&n, 2, 7);
    go_waitgroup_wait(&wg);
    go_chan_free(may_print);
    return 0;
}
