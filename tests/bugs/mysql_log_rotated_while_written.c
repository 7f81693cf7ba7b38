/* mysql_log_rotated_while_written.c - a statement finds the binary log closed and is not logged (a
 * pattern of mysql).
 *
 * Rotation closes the log and opens the next one under the log's lock; a writer asks without the
 * lock whether the log is open, and takes the moment in between for "logging is off".  The repair
 * asks under the lock.  Plain pthreads.
 *
 * shows: race log_write rotate
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum log_type { LOG_CLOSED, LOG_BIN };

struct log {
    pthread_mutex_t lock;
    enum log_type type; /* guarded by lock */
    int events;         /* guarded by lock: in all files */
    int files;          /* guarded by lock */
};

static struct log binlog = {PTHREAD_MUTEX_INITIALIZER, LOG_BIN, 0, 1};

static atomic_bool flushing; /* relaxed: says when, orders nothing */

static void rotate(struct log *l)
{
    pthread_mutex_lock(&l->lock);
    l->type = LOG_CLOSED;
    l->files++;
    l->type = LOG_BIN;
    pthread_mutex_unlock(&l->lock);
    atomic_store_explicit(&flushing, true, memory_order_relaxed);
}

static void log_write(struct log *l)
{
#ifndef REPAIRED
    if (l->type == LOG_CLOSED)
        return;
#endif
    pthread_mutex_lock(&l->lock);
    if (l->type != LOG_CLOSED)
        l->events++;
    pthread_mutex_unlock(&l->lock);
}

static void *execute_statements(void *arg)
{
    while (!atomic_load_explicit(&flushing, memory_order_relaxed))
        sched_yield();
    for (int i = 0; i < 20; i++)
        log_write(arg);
    return NULL;
}

static void *flush_logs(void *arg)
{
    for (int i = 0; i < 5; i++)
        rotate(arg);
    return NULL;
}

int main(void)
{
    pthread_t writer, flusher;
    pthread_create(&writer, NULL, execute_statements, &binlog);
    pthread_create(&flusher, NULL, flush_logs, &binlog);
    pthread_join(writer, NULL);
    pthread_join(flusher, NULL);
    printf("%d events in %d files\n", binlog.events, binlog.files);
    return 0;
}
