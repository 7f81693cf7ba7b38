/* double_checked_without_order.c - the first check of two is outside the lock (a pattern of
 * cockroach).
 *
 * settings_of() checks the pointer, locks, checks again and fills in. The first check reads a plain
 * pointer and orders nothing, so a reader may see the pointer and not what it points to. The repair
 * loads and stores the pointer with acquire and release.
 *
 * shows: race settings_of settings_of
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    int ttl;
};

static go_mutex mu;
static struct settings *settings;

#ifdef REPAIRED
#define LOAD(p)     __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)
#else
#define LOAD(p)     (p)
#define STORE(p, v) ((p) = (v))
#endif

static struct settings *settings_of(void)
{
    struct settings *s = LOAD(settings);
    if (!s) {
        go_mutex_lock(&mu);
        s = settings;
        if (!s) {
            s = malloc(sizeof *s);
            s->ttl = 25;
            STORE(settings, s);
        }
        go_mutex_unlock(&mu);
    }
    return s;
}

static void run_gc(go_chan(int) ttls)
{
    go_chan_send(ttls, settings_of()->ttl);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(int) ttls = go_chan_make(int, 3);
    for (int i = 0; i < 3; i++)
        go(run_gc, ttls);
    int sum = 0;
    for (int i = 0; i < 3; i++)
        sum += go_chan_recv(ttls);
    printf("%d\n", sum);
    free(settings);
    go_chan_free(ttls);
    return 0;
}
