/* exit_status_of_aborted_proxy.c - the agent stops reading the exits of its proxies (after istio
 * #17860).
 *
 * The agent runs each epoch of the proxy in a goroutine that sends its exit status at the end.
 * When the agent is terminated while two epochs drain it aborts all, and leaves with the first
 * status; the second one is never received.  The repair counts the epochs that are left.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct exit_status {
    int epoch, error;
};

static struct agent {
    go_chan(int) configs;
    go_chan(char) abort; /* closed to abort all epochs */
    go_chan(struct exit_status) statuses;
} agent;

static void run_epoch(struct agent *a, int epoch)
{
    go_chan_recv(a->abort); /* envoy runs until it is killed */
    go_chan_send(a->statuses, (struct exit_status){epoch, -9});
}

static void run(struct agent *a)
{
    int running = 0, config;
    bool ok;
    for (;;) {
        struct exit_status status;
        switch (
            go_select(go_recv_case(a->configs, &config, &ok), go_recv_case(a->statuses, &status))) {
        case 0:
            if (ok) {
                go(run_epoch, a, running++);
                break;
            }
            go_chan_close(a->abort);
            a->configs = NULL; /* no more of them */
            break;
        case 1:
            printf("an epoch ended with %d\n", status.error);
#ifdef REPAIRED
            if (--running > 0)
                break;
#endif
            return;
        }
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    agent.configs = go_chan_make(int, 0);
    agent.abort = go_chan_make(char, 0);
    agent.statuses = go_chan_make(struct exit_status, 0);
    go_chan(int) configs = agent.configs;
    go_waitgroup agents = {0};
    go_waitgroup_go(&agents, run, &agent);
    go_chan_send(configs, 1);
    go_chan_send(configs, 2);
    go_chan_close(configs);
    go_waitgroup_wait(&agents);
    return 0;
}
