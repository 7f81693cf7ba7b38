/* api_version_of_the_last_turn.c - every request carries the version of the last turn (a pattern of
 * moby).
 *
 * The test asks the daemon in all supported versions at once; the requests format the number only
 * when they run, from the variable that the loop still increments.  The repair formats it in the
 * loop, into a string that belongs to the request.
 *
 * shows: race request test_versions
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { OLDEST = 17, NEWEST = 21 };

struct call {
    const int *minor;
    char version[16];
};

static void request(struct call *c, go_waitgroup *wg)
{
    char url[40];
#ifndef REPAIRED
    snprintf(c->version, sizeof c->version, "v1.%d", *c->minor);
#endif
    snprintf(url, sizeof url, "/%s/version", c->version);
    go_waitgroup_done(wg);
}

static void test_versions(void)
{
    go_waitgroup wg = {0};
    struct call calls[NEWEST - OLDEST + 1];
    int minor;
    for (minor = OLDEST; minor <= NEWEST; minor++) {
        struct call *c = &calls[minor - OLDEST];
        c->minor = &minor;
#ifdef REPAIRED
        snprintf(c->version, sizeof c->version, "v1.%d", minor);
#endif
        go_waitgroup_add(&wg, 1);
        go(request, c, &wg);
    }
    go_waitgroup_wait(&wg);
    for (int i = 0; i < NEWEST - OLDEST + 1; i++)
        printf("%s\n", calls[i].version);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    test_versions();
    return 0;
}
