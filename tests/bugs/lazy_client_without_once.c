/* lazy_client_without_once.c - the first user makes the client, and there are two first users (a
 * pattern of kubernetes).
 *
 * A pointer that is not NULL is taken for a finished object, and two goroutines may both find NULL.
 * The repair makes the client in a once.
 *
 * shows: race make_client client_of
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct client {
    int port;
    int qps;
};

static struct client *client;
#ifdef REPAIRED
static go_once client_once;
#endif

static void make_client(void)
{
    struct client *c = malloc(sizeof *c);
    *c = (struct client){.port = 6443, .qps = 5};
    client = c;
}

static struct client *client_of(void)
{
#ifdef REPAIRED
    go_once_do(&client_once, make_client);
#else
    if (!client)
        make_client();
#endif
    return client;
}

static void reconcile(go_chan(int) ports)
{
    go_chan_send(ports, client_of()->port);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) ports = go_chan_make(int, 0);
    go(reconcile, ports);
    go(reconcile, ports);
    printf("%d\n", go_chan_recv(ports));
    printf("%d\n", go_chan_recv(ports));
    free(client);
    go_chan_free(ports);
    return 0;
}
