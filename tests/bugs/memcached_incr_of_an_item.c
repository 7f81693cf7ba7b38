/* memcached_incr_of_an_item.c - two increments of one item, and one is lost (a pattern of
 * memcached).
 *
 * item_get() finds the item under the cache's lock, but the number in it is read, incremented and
 * written back after that.  The repair holds the lock over all of it.  Plain pthreads.
 *
 * shows: race process_incr process_incr
 * when: always */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    char key[8];
    char value[24]; /* a number in decimal */
};

static struct item items[2] = {{"hits", "0"}, {"miss", "0"}};
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;

static struct item *item_find(const char *key)
{
    for (int i = 0; i < 2; i++)
        if (strcmp(items[i].key, key) == 0)
            return &items[i];
    return NULL;
}

static struct item *item_get(const char *key)
{
    pthread_mutex_lock(&cache_lock);
    struct item *it = item_find(key);
    pthread_mutex_unlock(&cache_lock);
    return it;
}

static void process_incr(const char *key, long delta)
{
#ifdef REPAIRED
    pthread_mutex_lock(&cache_lock);
    struct item *it = item_find(key);
#else
    struct item *it = item_get(key);
#endif
    long n = strtol(it->value, NULL, 10) + delta;
    snprintf(it->value, sizeof it->value, "%ld", n);
#ifdef REPAIRED
    pthread_mutex_unlock(&cache_lock);
#endif
}

static void *worker(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        process_incr("hits", 1);
    return NULL;
}

int main(void)
{
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, worker, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("hits: %s\n", item_get("hits")->value);
    return 0;
}
