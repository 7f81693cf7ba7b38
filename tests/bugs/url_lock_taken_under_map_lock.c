/* url_lock_taken_under_map_lock.c - waiting for one lock of a map with the map's own lock (after
 * hugo #3251).
 *
 * Remote content is fetched under a lock for its URL.  The locks are in a map, which has one too:
 * it is still held while the URL's is waited for, and who would give that back has to look into the
 * map first.  The repair takes the lock out of the map and waits for it outside.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

enum { URLS = 2 };

struct remote {
    go_rwmutex mu;
    go_mutex *lock_of[URLS]; /* mu */
    go_mutex locks[URLS];
    int fetched[URLS];
};

static void url_lock(struct remote *r, int url)
{
    go_rwmutex_lock(&r->mu);
    if (!r->lock_of[url])
        r->lock_of[url] = &r->locks[url];
    go_mutex *l = r->lock_of[url];
#ifdef REPAIRED
    go_rwmutex_unlock(&r->mu);
    go_mutex_lock(l);
#else
    go_mutex_lock(l);
    go_rwmutex_unlock(&r->mu);
#endif
}

static void url_unlock(struct remote *r, int url)
{
    go_rwmutex_rlock(&r->mu);
    go_mutex *l = r->lock_of[url];
    go_rwmutex_runlock(&r->mu);
    go_mutex_unlock(l);
}

static void fetch(struct remote *r, int url, go_chan(char) answer)
{
    url_lock(r, url);
    go_chan_recv(answer);
    r->fetched[url]++;
    url_unlock(r, url);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct remote r;
    go_chan(char) answer = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, fetch, &r, 0, answer);
    wait_for_quiet();
    go_waitgroup_go(&wg, fetch, &r, 0, answer);
    wait_for_quiet();
    go_chan_close(answer);
    go_waitgroup_wait(&wg);
    return r.fetched[0] != 2;
}
