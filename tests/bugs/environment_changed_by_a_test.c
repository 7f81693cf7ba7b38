/* environment_changed_by_a_test.c - a test sets a variable of the environment while a goroutine
 * reads another (a pattern of hugo).
 *
 * Tests that run at the same time set what they need in the environment, which belongs to the whole
 * process, and the code of others reads it.  The repair passes the value in the site's
 * configuration.
 *
 * shows: race load_config test_proxy
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct config {
    const char *proxy;
    bool has_home;
};

static void load_config(struct config *c, const char *proxy)
{
#ifdef REPAIRED
    c->proxy = proxy;
#else
    (void)proxy;
    c->proxy = getenv("SITE_PROXY");
    c->has_home = getenv("SITE_HOME") != NULL;
#endif
}

static void test_default(void)
{
    struct config c = {0};
    load_config(&c, NULL);
}

static void test_proxy(void)
{
    struct config c = {0};
#ifndef REPAIRED
    setenv("SITE_PROXY", "localhost:3128", 1);
#endif
    load_config(&c, "localhost:3128");
    printf("proxy %s\n", c.proxy ? c.proxy : "none");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, test_default);
    go_waitgroup_go(&wg, test_proxy);
    go_waitgroup_wait(&wg);
    printf("ok\n");
    return 0;
}
