/* mysql_unlocked_by_another_thread.c - a thread unlocks what another one has locked (a pattern of
 * mysql).
 *
 * The error path of the slave's thread unlocks the run lock, which by then the thread that stops
 * the slave has taken; both believe to hold it. The repair unlocks only what the thread has locked.
 * Plain pthreads.
 *
 * shows: misuse MUTEX MISUSE
 * when: always */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_mutex_t run_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t stopping, failed;
static bool slave_running = true; /* guarded by run_lock */

static void *slave(void *arg)
{
    bool locked = false;
    pthread_barrier_wait(&stopping);
#ifdef REPAIRED
    if (locked)
        pthread_mutex_unlock(&run_lock);
#else
    (void)locked;
    pthread_mutex_unlock(&run_lock); /* "err:" of every path */
#endif
    pthread_barrier_wait(&failed);
    return arg;
}

static void *stop_slave(void *arg)
{
    pthread_mutex_lock(&run_lock);
    pthread_barrier_wait(&stopping);
    pthread_barrier_wait(&failed);
    slave_running = false;
#ifdef REPAIRED
    pthread_mutex_unlock(&run_lock);
#endif
    return arg;
}

int main(void)
{
    pthread_t t[2];
    pthread_barrier_init(&stopping, NULL, 2);
    pthread_barrier_init(&failed, NULL, 2);
    pthread_create(&t[0], NULL, slave, NULL);
    pthread_create(&t[1], NULL, stop_slave, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("running: %d\n", slave_running);
    return 0;
}
