/* aget_progress_read_without_lock.c - the progress is written under a lock and read without (a
 * pattern of aget).
 *
 * Each download thread adds what it received to a common sum under its lock; the thread that saves
 * the state for a later resume reads the sum, and the offsets of all, as they are.  What it saves
 * need not fit together.  The repair makes its copy under the lock.  Plain pthreads.
 *
 * shows: race save_state http_get
 * when: always */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 3, PIECES = 10, PIECE = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long bytes_written;   /* guarded by lock */
static long offset[THREADS]; /* guarded by lock; each of one download thread */

static void *http_get(void *arg)
{
    long *my_offset = arg;
    for (int i = 0; i < PIECES; i++) {
        pthread_mutex_lock(&lock);
        bytes_written += PIECE;
        *my_offset += PIECE;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *save_state(void *arg)
{
#ifdef REPAIRED
    pthread_mutex_lock(&lock);
#endif
    long sum = 0, written = bytes_written;
    for (int i = 0; i < THREADS; i++)
        sum += offset[i];
#ifdef REPAIRED
    pthread_mutex_unlock(&lock);
#endif
    printf("saved %ld of %ld\n", sum, written);
    return arg;
}

int main(void)
{
    pthread_t t[THREADS], saver;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, http_get, &offset[i]);
    pthread_create(&saver, NULL, save_state, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    pthread_join(saver, NULL);
    printf("%ld bytes\n", bytes_written);
    return 0;
}
