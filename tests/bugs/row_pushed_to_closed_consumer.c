/* row_pushed_to_closed_consumer.c - rows come in for a processor that never started (after
 * cockroach #35073).
 *
 * Rows of an inbound stream go into a channel with room for a few.  The flow was cancelled before
 * its processor ran, and nobody reads them.  The repair marks the channel as closed for its
 * consumer; the producer learns that before it pushes, and who cancels drains what is there.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <stdatomic.h>

enum { ROWS = 10, ROOM = 3 };

struct row_channel {
    go_chan(int) data;
    atomic_bool closed; /* its consumer needs no more */
};

static bool push(struct row_channel *r, int row)
{
    if (atomic_load(&r->closed))
        return false;
    go_chan_send(r->data, row);
    return true;
}

static void run_stream(struct row_channel *r)
{
    for (int i = 0; i < ROWS; i++)
        if (!push(r, i))
            break;
    go_chan_close(r->data);
}

static void cancel_flow(struct row_channel *r)
{
#ifdef REPAIRED
    atomic_store(&r->closed, true);
    go_chan_range(int, row, r->data)
        (void)row;
#else
    (void)r;
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct row_channel r;
    r.data = go_chan_make(int, ROOM);
    go(run_stream, &r);
    cancel_flow(&r);
    wait_for_quiet();
    return 0;
}
