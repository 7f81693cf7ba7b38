/* error_shared_by_a_group.c - all goroutines of a group assign the same error variable (a pattern
 * of moby).
 *
 * Each layer is pulled in its own goroutine and says what went wrong in a variable of the function
 * that started them; the last one wins, even with "no error". The repair returns the error to the
 * group, which keeps the first.
 *
 * shows: race pull_layer pull_layer
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

enum { LAYERS = 4 };

struct layer {
    int id;
    int *ret_err;
};

static int download(int id)
{
    return id == 1 ? -EIO : 0;
}

static int pull_layer(void *arg)
{
    struct layer *l = arg;
#ifdef REPAIRED
    return download(l->id);
#else
    *l->ret_err = download(l->id);
    return *l->ret_err;
#endif
}

static int pull_image(void)
{
    go_group g = {0};
    int err = 0;
    struct layer layers[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        layers[i] = (struct layer){i, &err};
        go_group_go(&g, pull_layer, &layers[i]);
    }
#ifdef REPAIRED
    err = go_group_wait(&g);
#else
    go_group_wait(&g);
#endif
    return err;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("pull: %d\n", pull_image());
    return 0;
}
