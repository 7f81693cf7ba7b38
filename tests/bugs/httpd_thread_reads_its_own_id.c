/* httpd_thread_reads_its_own_id.c - a thread reads the variable that its pthread_create() has yet
 * to store (a pattern of apache httpd).
 *
 * The new worker looks its slot up by the thread id that the creator keeps, and may run before
 * pthread_create() returned and stored it. The repair asks pthread_self(). Plain pthreads.
 *
 * shows: race start_worker worker
 * when: always */
#include <pthread.h>
#include <stdio.h>

enum { WORKERS = 2 };

struct slot {
    pthread_t thread;
    unsigned long logged_as;
};

static struct slot slots[WORKERS];

static void *worker(void *arg)
{
    struct slot *s = arg;
#ifdef REPAIRED
    s->logged_as = (unsigned long)pthread_self();
#else
    s->logged_as = (unsigned long)s->thread;
#endif
    return NULL;
}

static void start_worker(struct slot *s)
{
    pthread_create(&s->thread, NULL, worker, s);
}

int main(void)
{
    for (int i = 0; i < WORKERS; i++)
        start_worker(&slots[i]);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(slots[i].thread, NULL);
    printf("%d workers\n", WORKERS);
    return 0;
}
