/* election_rounds_unlock_late.c - who may go next is told under a lock that the next one wants
 * (after etcd #7902).
 *
 * Clients take part in rounds.  Each is validated under a common lock, and the leader of a round
 * then waits there for the others' word that they saw it; they need the lock to give it.  The
 * repair lets the leader wait without the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { CLIENTS = 3, ROUNDS = 2 };

struct election {
    go_mutex mu;
    int validated[CLIENTS]; /* mu */
    go_chan(char) elected[ROUNDS], observed[ROUNDS];
};

static void validate(struct election *e, int client)
{
    go_mutex_lock(&e->mu);
    e->validated[client]++;
    go_mutex_unlock(&e->mu);
}

static void lead(struct election *e, int client, int round)
{
    go_mutex_lock(&e->mu);
    e->validated[client]++;
    go_chan_close(e->elected[round]);
#ifdef REPAIRED
    go_mutex_unlock(&e->mu);
#endif
    for (int i = 1; i < CLIENTS; i++)
        go_chan_recv(e->observed[round]);
#ifndef REPAIRED
    go_mutex_unlock(&e->mu);
#endif
}

static void run_rounds(struct election *e, int client)
{
    for (int round = 0; round < ROUNDS; round++)
        if (client == round) {
            lead(e, client, round);
        } else {
            go_chan_recv(e->elected[round]);
            validate(e, client);
            go_chan_send(e->observed[round], 1);
        }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct election e;
    go_waitgroup wg = {0};
    for (int i = 0; i < ROUNDS; i++) {
        e.elected[i] = go_chan_make(char, 0);
        e.observed[i] = go_chan_make(char, 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        go_waitgroup_go(&wg, run_rounds, &e, i);
    go_waitgroup_wait(&wg);
    return e.validated[2] != ROUNDS;
}
