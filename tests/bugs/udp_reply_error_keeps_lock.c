/* udp_reply_error_keeps_lock.c - a way out of a loop keeps the lock (after moby #7559).
 *
 * The UDP proxy looks up the connection of a client under the table's lock.  When a new connection
 * cannot be made it goes on with the next packet, and the lock stays: it stands still at the next
 * turn.  The repair unlocks before it goes on.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

enum { CLIENTS = 4 };

static struct proxy {
    go_mutex lock;
    int connections[CLIENTS]; /* guarded by lock: a descriptor for each client, 0: none yet */
    go_chan(int) packets;     /* who sent one */
} proxy;

static int dial(int client)
{
    return client == 1 ? -ECONNREFUSED : 10 + client;
}

static void run(struct proxy *p)
{
    go_chan_range(int, client, p->packets) {
        go_mutex_lock(&p->lock);
        int fd = p->connections[client];
        if (fd == 0) {
            fd = dial(client);
            if (fd < 0) {
                printf("cannot reach the backend for client %d: %d\n", client, fd);
#ifdef REPAIRED
                go_mutex_unlock(&p->lock);
#endif
                continue;
            }
            p->connections[client] = fd;
        }
        go_mutex_unlock(&p->lock);
    }
}

static void send_packets(struct proxy *p)
{
    for (int client = 0; client < CLIENTS; client++)
        go_chan_send(p->packets, client);
    go_chan_close(p->packets);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    proxy.packets = go_chan_make(int, 0);
    go(send_packets, &proxy);
    run(&proxy);
    return 0;
}
