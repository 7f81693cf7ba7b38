/* closed_client_keeps_its_lock.c - an error is returned without the unlock (after etcd #5509).
 *
 * A call read-locks the client to take its connection.  A closed client has none: the call returns
 * the error and stays a reader.  The next one who changes the client waits for it.  The repair
 * unlocks on that way too.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>

struct client {
    go_rwmutex mu;
    const char *conn; /* mu; NULL: closed */
    int calls;
};

static int acquire(struct client *c)
{
    go_rwmutex_rlock(&c->mu);
    if (!c->conn) {
#ifdef REPAIRED
        go_rwmutex_runlock(&c->mu);
#endif
        return -ESHUTDOWN;
    }
    c->calls++;
    return 0;
}

static void release(struct client *c)
{
    go_rwmutex_runlock(&c->mu);
}

static int put(struct client *c)
{
    int err = acquire(c);
    if (err)
        return err;
    release(c);
    return 0;
}

static void set_conn(struct client *c, const char *conn)
{
    go_rwmutex_lock(&c->mu);
    c->conn = conn;
    go_rwmutex_unlock(&c->mu);
}

static void watch(struct client *c, go_chan(int) errors)
{
    go_chan_send(errors, put(c));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct client c = {.conn = "127.0.0.1:2379"};
    go_chan(int) errors = go_chan_make(int, 0);
    int err = put(&c);
    set_conn(&c, NULL);
    go(watch, &c, errors);
    int late = go_chan_recv(errors);
    set_conn(&c, "127.0.0.1:22379");
    return err || late != -ESHUTDOWN;
}
