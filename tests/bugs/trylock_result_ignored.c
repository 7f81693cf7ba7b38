/* trylock_result_ignored.c - trylock failed, and the work went on (a pattern of mysql).
 *
 * The statistics thread must not wait for a table and so tries the lock, but forgets to look
 * whether it got it. The unlock that follows takes the lock from whoever has it. The repair skips
 * the table. Plain pthreads.
 *
 * shows: race update_statistics insert_row
 * when: always */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static int rows, rows_seen; /* guarded by table_lock */
static pthread_barrier_t locked, tried;

static void update_statistics(void)
{
#ifdef REPAIRED
    if (pthread_mutex_trylock(&table_lock) != 0)
        return;
    rows_seen = rows;
    pthread_mutex_unlock(&table_lock);
#else
    (void)pthread_mutex_trylock(&table_lock);
    rows_seen = rows;
#endif
}

static void insert_row(void)
{
    rows++;
}

static void *inserter(void *arg)
{
    pthread_mutex_lock(&table_lock);
    pthread_barrier_wait(&locked);
    insert_row();
    pthread_barrier_wait(&tried);
    pthread_mutex_unlock(&table_lock);
    return arg;
}

static void *statistics(void *arg)
{
    pthread_barrier_wait(&locked);
    update_statistics();
    pthread_barrier_wait(&tried);
    return arg;
}

int main(void)
{
    pthread_t t[2];
    pthread_barrier_init(&locked, NULL, 2);
    pthread_barrier_init(&tried, NULL, 2);
    pthread_create(&t[0], NULL, inserter, NULL);
    pthread_create(&t[1], NULL, statistics, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("%d rows, %d seen\n", rows, rows_seen);
    return 0;
}
