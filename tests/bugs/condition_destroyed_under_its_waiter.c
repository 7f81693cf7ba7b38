/* condition_destroyed_under_its_waiter.c - who wakes the last waiter destroys the condition at once
 * (a pattern of mysql).
 *
 * The handler of KILL broadcasts, destroys the condition and frees the connection, whose thread is
 * still on its way out of the wait and takes the mutex in it.  The repair joins the thread first.
 * Plain pthreads.
 *
 * shows: race serve kill_connection
 * when: always */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct connection {
    pthread_mutex_t lock;
    pthread_cond_t awake;
    bool waits, killed; /* guarded by lock */
};

static void *serve(void *arg)
{
    struct connection *c = arg;
    pthread_mutex_lock(&c->lock);
    c->waits = true;
    pthread_cond_signal(&c->awake);
    while (!c->killed)
        pthread_cond_wait(&c->awake, &c->lock);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void kill_connection(struct connection *c, pthread_t t)
{
    pthread_mutex_lock(&c->lock);
    while (!c->waits)
        pthread_cond_wait(&c->awake, &c->lock);
    c->killed = true;
    pthread_cond_broadcast(&c->awake);
    pthread_mutex_unlock(&c->lock);
#ifdef REPAIRED
    pthread_join(t, NULL);
#endif
    pthread_cond_destroy(&c->awake);
    pthread_mutex_destroy(&c->lock);
#ifdef REPAIRED
    free(c);
#else
    pthread_join(t, NULL); /* the real one freed it here already */
    free(c);
#endif
}

int main(void)
{
    struct connection *c = calloc(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->awake, NULL);
    pthread_t t;
    pthread_create(&t, NULL, serve, c);
    kill_connection(c, t);
    printf("killed\n");
    return 0;
}
