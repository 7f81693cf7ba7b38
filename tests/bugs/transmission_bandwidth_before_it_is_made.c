/* transmission_bandwidth_before_it_is_made.c - the event thread uses what the session's maker has
 * not made yet (a pattern of transmission).
 *
 * tr_init() starts the event thread and then makes the session's bandwidth object, which the event
 * thread's first peer already asks for.  The repair makes everything before the thread starts.
 * Plain pthreads.
 *
 * shows: race allocate_peer init_session
 * when: always */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct bandwidth {
    int peers;
};

struct session {
    struct bandwidth *bandwidth;
    pthread_t events;
    int peers_lost; /* that found no bandwidth; the real one crashed */
};

static void allocate_peer(struct session *s)
{
    if (s->bandwidth)
        s->bandwidth->peers++;
    else
        s->peers_lost++;
}

static void *event_loop(void *arg)
{
    allocate_peer(arg);
    return NULL;
}

static struct bandwidth *new_bandwidth(void)
{
    return calloc(1, sizeof(struct bandwidth));
}

static void init_session(struct session *s)
{
#ifdef REPAIRED
    s->bandwidth = new_bandwidth();
    pthread_create(&s->events, NULL, event_loop, s);
#else
    pthread_create(&s->events, NULL, event_loop, s);
    s->bandwidth = new_bandwidth();
#endif
}

int main(void)
{
    static struct session s;
    init_session(&s);
    pthread_join(s.events, NULL);
    printf("%d peers, %d lost\n", s.bandwidth->peers, s.peers_lost);
    free(s.bandwidth);
    return 0;
}
