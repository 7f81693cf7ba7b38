/* test_rc_peers.c - the two ends of connections over loopback. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "peers.h"

static int listener;
static struct sockaddr_in where;

static void listens(void)
{
    socklen_t n = sizeof where;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    where = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert(bind(listener, (struct sockaddr *)&where, sizeof where) == 0);
    cr_assert(listen(listener, 64) == 0);
    cr_assert(getsockname(listener, (struct sockaddr *)&where, &n) == 0);
}

struct connection {
    int client, server;
};

static struct connection make(void)
{
    struct connection c = {.client = socket(AF_INET, SOCK_STREAM, 0)};
    cr_assert(connect(c.client, (struct sockaddr *)&where, sizeof where) == 0);
    c.server = accept(listener, NULL, NULL);
    cr_assert(c.server >= 0);
    return c;
}

Test(rc_peers, who_comes_second_finds_the_first)
{
    listens();
    struct connection a = make(), b = make();
    cr_assert_eq(peers_find(a.client), -1);
    cr_assert_eq(peers_find(b.server), -1);
    cr_assert_eq(peers_find(a.server), a.client);
    cr_assert_eq(peers_find(b.client), b.server);
}

Test(rc_peers, of_many_each_finds_its_own)
{
    enum { N = 100 };
    struct connection c[N];
    listens();
    for (int i = 0; i < N; i++) {
        c[i] = make();
        cr_assert_eq(peers_find(c[i].client), -1);
    }
    for (int i = N; i-- > 0;)
        cr_assert_eq(peers_find(c[i].server), c[i].client);
}

Test(rc_peers, who_has_gone_is_not_found)
{
    listens();
    struct connection a = make(), b = make();
    cr_assert_eq(peers_find(a.client), -1);
    cr_assert(dup2(b.client, a.client) == a.client); /* its number has another meaning now */
    cr_assert_eq(peers_find(a.server), -1);
}

Test(rc_peers, what_is_not_connected_has_no_peer)
{
    int pair[2];
    listens();
    cr_assert_eq(peers_find(listener), -1);
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    cr_assert_eq(peers_find(pair[0]), -1);
    cr_assert_eq(peers_find(pair[1]), -1);
    cr_assert_eq(peers_find(-1), -1);
}
