/* done_of_background_context.c - a goroutine waits for the end of a context that never ends (a
 * pattern of istio).
 *
 * A watch of the registry stops when its context does.  The server starts it with the background
 * context, whose done channel is nil, instead of its own.  The repair passes the server's context.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct registry {
    go_chan(int) changes;
    int services; /* of the watch alone */
};

struct server {
    go_ctx *ctx;
    struct registry registry;
    go_chan(char) synced;
};

static void watch(go_ctx *ctx, struct registry *r, go_chan(char) synced)
{
    int change;
    while (go_select(go_recv_case(r->changes, &change), go_recv_case(go_ctx_done(ctx), NULL)) ==
           0) {
        r->services += change;
        go_chan_send(synced, 1);
    }
}

static void start(struct server *s)
{
#ifdef REPAIRED
    go(watch, s->ctx, &s->registry, s->synced);
#else
    go(watch, go_ctx_background(), &s->registry, s->synced);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct server server;
    server = (struct server){go_ctx_with_cancel(go_ctx_background()),
                             {.changes = go_chan_make(int, 0)},
                             go_chan_make(char, 0)};
    start(&server);
    go_chan_send(server.registry.changes, 3);
    go_chan_recv(server.synced);
    printf("%d services\n", server.registry.services);
    go_ctx_cancel(server.ctx);
    return 0;
}
