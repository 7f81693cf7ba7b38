/* two_onces_need_each_other.c - two things are made once, and each needs the other (a pattern of
 * hugo).
 *
 * The taxonomies are made once and need the menus; the menus are made once and sort by taxonomy.
 * Asked for by two goroutines they wait for each other.  The repair makes the menus of what both
 * were made of.
 *
 * shows: deadlock
 * when: always */
#include "../quiet.h"

static go_once taxonomies, menus;
static int n_taxonomies, n_menus;

static void make_menus(go_chan(char) go_on);

static void make_taxonomies(go_chan(char) go_on)
{
    go_chan_recv(go_on);
    go_once_do(&menus, make_menus, go_on);
    n_taxonomies = n_menus + 1;
}

static void make_menus(go_chan(char) go_on)
{
    go_chan_recv(go_on);
#ifndef REPAIRED
    go_once_do(&taxonomies, make_taxonomies, go_on);
#endif
    n_menus = 3;
}

static void render_list(go_chan(char) go_on)
{
    go_once_do(&taxonomies, make_taxonomies, go_on);
}

static void render_page(go_chan(char) go_on)
{
    go_once_do(&menus, make_menus, go_on);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_chan(char) go_on = go_chan_make(char, 0);
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, render_list, go_on);
    go_waitgroup_go(&wg, render_page, go_on);
    wait_for_quiet();
    go_chan_close(go_on);
    go_waitgroup_wait(&wg);
    return n_taxonomies != 4;
}
