/* channel_as_a_lock_not_given_back.c - a token is taken out of a channel and lost on an error (a
 * pattern of hugo).
 *
 * A channel of one place with one token in it is the right to write to the disk.  Who cannot open
 * its file returns with the token.  The repair gives it back by a defer.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"
#include <errno.h>

struct publisher {
    go_chan(char) token;
    int written; /* token */
    int failed;  /* by files that cannot be opened; token */
};

static void give_back(struct publisher *p)
{
    go_chan_send(p->token, 1);
}

static int open_file(int file)
{
    return file == 1 ? -EACCES : 0;
}

static void publish(struct publisher *p, int file)
{
    go_chan_recv(p->token);
#ifdef REPAIRED
    go_defer(give_back, p);
#endif
    if (open_file(file) < 0) {
        p->failed++;
        return;
    }
    p->written++;
#ifndef REPAIRED
    give_back(p);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct publisher p;
    p.token = go_chan_make(char, 1);
    give_back(&p);
    for (int file = 0; file < 2; file++) {
        go(publish, &p, file);
        wait_for_quiet();
    }
    for (int file = 2; file < 5; file++)
        go(publish, &p, file);
    wait_for_quiet();
    return 0;
}
