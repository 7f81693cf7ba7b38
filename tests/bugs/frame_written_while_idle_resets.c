/* frame_written_while_idle_resets.c - a writer tells the idle monitor of its frame under a lock
 * that the monitor wants (after kubernetes #6632).
 *
 * Writing a frame takes the connection's write lock and then sends on the monitor's reset channel.
 * The monitor, whose timeout has just expired, does not receive but takes the write lock to set
 * the channel to nil: each waits for the other.  The repair lets the monitor receive what comes
 * while it waits for the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <stdio.h>

static struct connection {
    go_mutex write_lock;
    go_chan(char) reset; /* guarded by write_lock: NULL when nobody monitors any more */
    go_chan(char) expired;
    go_chan(char) closed;
} conn;

/* Force the order: the timeout has come, and the writer has the lock. */
static go_chan(char) timed_out, writing;

#ifdef REPAIRED
static void drain(go_chan(char) reset)
{
    go_chan_range(char, one, reset)
        (void)one;
}
#endif

static void monitor(struct connection *c)
{
    go_chan(char) reset = c->reset;
    for (;;) {
        switch (go_select(go_recv_case(reset, NULL), go_recv_case(c->expired, NULL))) {
        case 0:
            continue;
        case 1:
            go_chan_close(timed_out);
            go_chan_recv(writing);
#ifdef REPAIRED
            go(drain, reset);
#endif
            go_mutex_lock(&c->write_lock);
            c->reset = NULL;
            go_mutex_unlock(&c->write_lock);
            go_chan_close(reset);
            go_chan_close(c->closed);
            return;
        }
    }
}

static void write_frame(struct connection *c, go_chan(char) begun)
{
    go_mutex_lock(&c->write_lock);
    go_defer(go_mutex_unlock, &c->write_lock);
    if (begun)
        go_chan_close(begun);
    if (c->reset)
        go_chan_send(c->reset, 0);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    conn.reset = go_chan_make(char, 0);
    conn.expired = go_chan_make(char, 0);
    conn.closed = go_chan_make(char, 0);
    timed_out = go_chan_make(char, 0);
    writing = go_chan_make(char, 0);
    go(monitor, &conn);
    write_frame(&conn, NULL);
    go_chan_close(conn.expired);
    go_chan_recv(timed_out);
    write_frame(&conn, writing);
    go_chan_recv(conn.closed);
    printf("idle connection closed\n");
    return 0;
}
