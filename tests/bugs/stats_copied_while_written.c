/* stats_copied_while_written.c - a structure is copied out without the lock under which it changes
 * (a pattern of istio).
 *
 * The cache counts hits and misses under its lock, and stats() returns a copy of the counters
 * without it.  The repair copies under the lock.
 *
 * shows: race stats get
 * when: always */
#include <goshawk.h>
#include <stdio.h>

struct cache_stats {
    long hits, misses, writes, evictions;
};

struct cache {
    go_mutex mu;
    struct cache_stats stats; /* guarded by mu */
    int keys[4];              /* guarded by mu */
};

static bool get(struct cache *c, int key)
{
    go_mutex_lock(&c->mu);
    bool hit = c->keys[key % 4] == key;
    if (hit) {
        c->stats.hits++;
    } else {
        c->stats.misses++;
        c->stats.writes++;
        c->stats.evictions += c->keys[key % 4] != 0;
        c->keys[key % 4] = key;
    }
    go_mutex_unlock(&c->mu);
    return hit;
}

static struct cache_stats stats(struct cache *c)
{
#ifdef REPAIRED
    go_mutex_lock(&c->mu);
    struct cache_stats copy = c->stats;
    go_mutex_unlock(&c->mu);
    return copy;
#else
    return c->stats;
#endif
}

static void use(struct cache *c)
{
    for (int i = 1; i <= 12; i++)
        get(c, i % 5 + 1);
}

static void report(struct cache *c)
{
    struct cache_stats s = stats(c);
    printf("%d\n", s.hits + s.misses <= 12);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct cache c = {0};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, use, &c);
    go_waitgroup_go(&wg, report, &c);
    go_waitgroup_wait(&wg);
    return 0;
}
