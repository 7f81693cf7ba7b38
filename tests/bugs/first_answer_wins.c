/* first_answer_wins.c - all replicas are asked and one answer is read (a pattern of etcd).
 *
 * A read goes to every member, and the first answer is the result.  The others' senders wait for a
 * reader that has gone.  The repair gives the channel room for all of them, and the last to answer
 * frees it.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <stdatomic.h>
#include <stdlib.h>

enum { MEMBERS = 3 };

struct read {
    go_chan(int) answers;
    atomic_int users;
};

static void leave(struct read *r)
{
    if (atomic_fetch_sub(&r->users, 1) == 1) {
        go_chan_free(r->answers);
        free(r);
    }
}

static void ask(struct read *r, int member)
{
    go_chan_send(r->answers, member);
    leave(r);
}

static int quorum_read(void)
{
#ifdef REPAIRED
    size_t room = MEMBERS;
#else
    size_t room = 0;
#endif
    struct read *r = malloc(sizeof *r);
    r->answers = go_chan_make(int, room);
    atomic_init(&r->users, MEMBERS + 1);
    for (int i = 0; i < MEMBERS; i++)
        go(ask, r, i);
    int answer = go_chan_recv(r->answers);
    leave(r);
    return answer;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    int answer = quorum_read() + quorum_read();
    wait_for_quiet();
    return answer < 0;
}
