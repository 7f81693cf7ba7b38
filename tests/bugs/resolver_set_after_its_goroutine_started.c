/* resolver_set_after_its_goroutine_started.c - a callback runs before the constructor returned what
 * it needs (a pattern of grpc-go).
 *
 * build() starts the watcher of a resolver, which at once reports an address; the wrapper then asks
 * its resolver, a field that is assigned when build() returns.  The repair holds the wrapper's lock
 * from before build() until the field is set, and the callback takes it.
 *
 * shows: race resolve_now new_wrapper
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct wrapper;

struct resolver {
    struct wrapper *wrapper;
    int asked; /* how often to resolve again */
};

struct wrapper {
    go_mutex mu;
    struct resolver *resolver; /* guarded by mu in the repair */
    go_waitgroup wg;
};

static void resolve_now(struct wrapper *w)
{
#ifdef REPAIRED
    go_mutex_lock(&w->mu);
#endif
    if (w->resolver)
        w->resolver->asked++;
#ifdef REPAIRED
    go_mutex_unlock(&w->mu);
#endif
}

static void watch(struct resolver *r)
{
    resolve_now(r->wrapper); /* the first address is a bad one */
}

static struct resolver *build(struct wrapper *w)
{
    struct resolver *r = calloc(1, sizeof *r);
    r->wrapper = w;
    go_waitgroup_go(&w->wg, watch, r);
    return r;
}

static void new_wrapper(struct wrapper *w)
{
#ifdef REPAIRED
    go_mutex_lock(&w->mu);
#endif
    w->resolver = build(w);
#ifdef REPAIRED
    go_mutex_unlock(&w->mu);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct wrapper w;
    new_wrapper(&w);
    go_waitgroup_wait(&w.wg);
    printf("asked %d times\n", w.resolver->asked);
    free(w.resolver);
    return 0;
}
