/* peers.c - see peers.h.
 *
 * The ends of a connection have each other's addresses.  Those that wait for their other end are in
 * a table by the two.  Where a bucket is full the oldest entry goes: its connection is never found,
 * as if its other end were in another process.  An entry may outlive its descriptor, so whoever is
 * found is asked for its addresses again. */
#include "peers.h"
#include "real.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct end {
    uint8_t ip[16]; /* of IPv4 as IPv6 writes it */
    in_port_t port;
};

struct ends {
    struct end here, there;
};

enum { BUCKETS = 4096, SLOTS = 4 };
static struct waiting {
    uint64_t hash;
    int fd; /* + 1; 0: free */
} waiting[BUCKETS][SLOTS];

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static bool end_of(const union address *a, struct end *ret)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memset(ret, 0, sizeof *ret);
    if (a->any.sa_family == AF_INET) {
        memcpy(ret->ip, mapped, sizeof mapped);
        memcpy(ret->ip + sizeof mapped, &a->in.sin_addr, sizeof a->in.sin_addr);
        ret->port = a->in.sin_port;
        return true;
    }
    memcpy(ret->ip, &a->in6.sin6_addr, sizeof ret->ip);
    ret->port = a->in6.sin6_port;
    return a->any.sa_family == AF_INET6;
}

static bool ends_of(int fd, struct ends *ret)
{
    union address a, b;
    socklen_t n = sizeof a, k = sizeof b;
    return rt_real_getsockname(fd, &a.any, &n) == 0 && rt_real_getpeername(fd, &b.any, &k) == 0 &&
           end_of(&a, &ret->here) && end_of(&b, &ret->there);
}

static bool is_end(const struct end *a, const struct end *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static uint64_t hash_end(uint64_t h, const struct end *e)
{
    uint64_t w[2];
    memcpy(w, e->ip, sizeof w);
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    return ((((h ^ w[0]) * odd ^ w[1]) * odd) ^ e->port) * odd;
}

/* Its bucket is in the upper bits. */
static uint64_t hash_of(const struct end *from, const struct end *to)
{
    return hash_end(hash_end(1, from), to);
}

static struct waiting *bucket(uint64_t hash)
{
    return waiting[hash >> 52];
}

static int take(const struct ends *of)
{
    uint64_t hash = hash_of(&of->there, &of->here);
    struct waiting *w = bucket(hash);
    for (int i = 0; i < SLOTS; i++) {
        int fd = w[i].fd - 1;
        struct ends his;
        if (fd < 0 || w[i].hash != hash)
            continue;
        w[i].fd = 0;
        if (ends_of(fd, &his) && is_end(&his.here, &of->there) && is_end(&his.there, &of->here))
            return fd;
    }
    return -1;
}

static void add(int fd, const struct ends *of)
{
    uint64_t hash = hash_of(&of->here, &of->there);
    struct waiting *w = bucket(hash);
    memmove(&w[1], &w[0], (SLOTS - 1) * sizeof *w); /* the newest first */
    w[0] = (struct waiting){hash, fd + 1};
}

int peers_find(int fd)
{
    struct ends of;
    if (!ends_of(fd, &of))
        return -1;
    int peer = take(&of);
    if (peer < 0)
        add(fd, &of);
    return peer;
}
