/* flags_in_one_word.c - two flags with two guards share a word (a pattern of cockroach).
 *
 * Each of the two flags has its own lock, but they are bit fields: setting one writes the other one
 * back as it was.  The repair makes them bytes, which are objects of their own.
 *
 * shows: race set_draining set_suspect
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct node_state {
    go_mutex drain_mu, health_mu;
#ifdef REPAIRED
    bool draining; /* guarded by drain_mu */
    bool suspect;  /* guarded by health_mu */
#else
    unsigned draining : 1; /* guarded by drain_mu */
    unsigned suspect : 1;  /* guarded by health_mu */
#endif
};

static void set_draining(struct node_state *n)
{
    go_mutex_lock(&n->drain_mu);
    n->draining = 1;
    go_mutex_unlock(&n->drain_mu);
}

static void set_suspect(struct node_state *n)
{
    go_mutex_lock(&n->health_mu);
    n->suspect = 1;
    go_mutex_unlock(&n->health_mu);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct node_state n = {0};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, set_draining, &n);
    go_waitgroup_go(&wg, set_suspect, &n);
    go_waitgroup_wait(&wg);
    printf("%d %d\n", n.draining, n.suspect);
    return 0;
}
