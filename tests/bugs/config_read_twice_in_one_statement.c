/* config_read_twice_in_one_statement.c - a statement reads the configuration, and what it calls
 * does so again (after cockroach #16167).
 *
 * The executor keeps the configuration's lock for reading while it runs a statement; opening a
 * database in it read-locks again to make a cache.  An update from gossip comes in between.  Every
 * later statement hangs as well.  The repair reads what the statement needs once, in front.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

struct executor {
    go_rwmutex config_mu;
    int version; /* config_mu */
    go_chan(int) gossip;
};

static void update_config(struct executor *e)
{
    go_chan_range(int, version, e->gossip) {
        go_rwmutex_lock(&e->config_mu);
        e->version = version;
        go_rwmutex_unlock(&e->config_mu);
    }
}

static int database_cache(struct executor *e)
{
    go_rwmutex_rlock(&e->config_mu);
    go_defer(go_rwmutex_runlock, &e->config_mu);
    return e->version;
}

/* An update to new_version comes meanwhile; 0: none. */
static int run_statement(struct executor *e, int new_version)
{
#ifdef REPAIRED
    int version = database_cache(e);
#else
    go_rwmutex_rlock(&e->config_mu);
    go_defer(go_rwmutex_runlock, &e->config_mu);
#endif
    if (new_version) {
        go_chan_send(e->gossip, new_version);
        wait_for_quiet();
    }
#ifndef REPAIRED
    int version = database_cache(e);
#endif
    return version;
}

static void session(struct executor *e, int new_version)
{
    run_statement(e, 0);
    run_statement(e, new_version);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct executor e;
    go_waitgroup sessions = {0}, updates = {0};
    e.gossip = go_chan_make(int, 0);
    go_waitgroup_go(&updates, update_config, &e);
    go_waitgroup_go(&sessions, session, &e, 1);
    go_waitgroup_wait(&sessions);
    go_waitgroup_go(&sessions, session, &e, 2);
    go_waitgroup_wait(&sessions);
    go_chan_close(e.gossip);
    go_waitgroup_wait(&updates);
    return e.version != 2;
}
