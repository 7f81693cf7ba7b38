/* once_and_lock_cross.c - a lock and a once are taken in two orders (a pattern of hugo).
 *
 * What is made once is made under the site's lock; who has the lock asks for it.  Begun at the same
 * time the two wait for each other.  The repair makes it without the lock.
 *
 * shows: deadlock
 * when: some seed */
#include <goshawk.h>

static go_mutex site;
static go_once menus;
static int n_menus, n_pages; /* menus, site */

static void make_menus(void)
{
#ifdef REPAIRED
    n_menus = 3;
#else
    go_mutex_lock(&site);
    n_menus = 3;
    go_mutex_unlock(&site);
#endif
}

static void render(void)
{
    go_once_do(&menus, make_menus);
}

static void add_page(void)
{
    go_mutex_lock(&site);
    n_pages++;
    go_once_do(&menus, make_menus);
    go_mutex_unlock(&site);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, render);
    go_waitgroup_go(&wg, add_page);
    go_waitgroup_wait(&wg);
    return n_menus != 3;
}
