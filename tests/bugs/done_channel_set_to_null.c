/* done_channel_set_to_null.c - stop() forgets the channel that its goroutine still selects on (a
 * pattern of istio).
 *
 * The file watcher's goroutine reads the field with the stop channel in every turn; stop() closes
 * the channel and sets the field to NULL, on which a select would wait for ever.  The repair leaves
 * the field alone.
 *
 * shows: race watch stop_watch
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct source {
    go_chan(char) donec;
    go_chan(int) events;
    go_waitgroup wg;
    int seen;
};

static void watch(struct source *s)
{
    for (;;) {
        int event = 0;
        switch (go_select(go_recv_case(s->donec, NULL), go_recv_case(s->events, &event))) {
        case 0:
            return;
        case 1:
            s->seen += event;
            break;
        }
    }
}

static void stop_watch(struct source *s)
{
    go_chan(char) donec = s->donec;
#ifndef REPAIRED
    s->donec = NULL;
#endif
    go_chan_close(donec);
    go_waitgroup_wait(&s->wg);
    go_chan_free(donec);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct source s;
    s = (struct source){.donec = go_chan_make(char, 0), .events = go_chan_make(int, 0)};
    go_waitgroup_go(&s.wg, watch, &s);
    go_chan_send(s.events, 1);
    go_chan_send(s.events, 2);
    go_yield(); /* watch() waits again */
#ifndef REPAIRED
    go_sleep(2 * GO_MILLISECOND);
#endif
    stop_watch(&s);
    printf("saw %d\n", s.seen);
    go_chan_free(s.events);
    return 0;
}
