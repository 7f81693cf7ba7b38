/* fds.c - order through descriptors.
 *
 * A write happens before the read that gets its data.  Which read that is is not visible, so each
 * channel - a pipe, a socket pair, an eventfd, a connection of TCP - has an object that writes
 * release and reads acquire, and that is found through its descriptors.
 *
 * Other processes pass order on, too: what one thread wrote to a child may be the reason of what
 * another reads from it.  So all channels that another process may have a hand in share the outside
 * besides their own object.  A channel is open to the outside unless both its ends are known here
 * and no process was begun since (a child has copies of all descriptors), and none sent away.
 * Pipes and sockets that are not known have the outside alone, and everything else - files,
 * terminals - one object together.  That may order a little too much and never too little.
 *
 * An object is an address, which stands for a clock in the engine.  It is forgotten when the last
 * of its descriptors is closed, and given out again. */
#include "fds.h"
#include "ctx.h"
#include "futex.h"
#include "peers.h"
#include "print.h"
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS_KNOWN = 65536, CHANNELS = 65536 };
enum { NOT_KNOWN = 0, OUTSIDE = 1 }; /* numbers of no channel */

struct channel {
    uint64_t object;
    uint32_t users;   /* descriptors; guarded by lock */
    uint32_t made_at; /* processes when it was made, or INNER, or HIDDEN */
    bool is_open;     /* the other end is not known */
};
#define INNER  UINT32_MAX /* of no use to other processes */
#define HIDDEN 0          /* has a descriptor of which nothing is remembered */

static struct rt_lock lock;
/* channel_of[fd] is the number of fd's channel. */
static uint32_t channel_of[FDS_KNOWN]; /* written under lock */
static struct channel channels[CHANNELS] = {{.made_at = INNER}, {.made_at = INNER}};
static uint32_t n_used = OUTSIDE, n_free; /* guarded by lock; channels after n_used are new */
static uint32_t free_numbers[CHANNELS];
static uint64_t all_files;
static uint32_t processes = HIDDEN + 1; /* grows when another one gets descriptors of this one */

/* While the lock is held the thread is inside the engine: a signal handler may close a descriptor,
 * too. */
static struct rc_thread lock_take(void)
{
    struct rc_thread was = rc_enter();
    rt_lock(&lock);
    return was;
}

static void lock_give(struct rc_thread was)
{
    rt_unlock(&lock);
    rc_leave(was);
}

/* A new channel's number; OUTSIDE when there are too many.  Caller holds lock. */
static uint32_t number_get(uint32_t made_at, bool is_open)
{
    uint32_t n = OUTSIDE;
    if (n_free > 0)
        n = free_numbers[--n_free];
    else if (n_used + 1 < CHANNELS)
        n = ++n_used;
    if (n == OUTSIDE)
        return n;
    channels[n].users = 0;
    at_store_rlx(&channels[n].made_at, made_at); /* relaxed: see known() */
    at_store_rlx(&channels[n].is_open, is_open); /* relaxed: likewise */
    return n;
}

static uint32_t now(void)
{
    return at_load_rlx(&processes); /* relaxed: see fds_given_away() */
}

static uint32_t known(int fd)
{
    if (fd < 0 || fd >= FDS_KNOWN)
        return NOT_KNOWN;
    return at_load_rlx(&channel_of[fd]); /* relaxed: fd is used after the call that made it */
}

/* fd is of that channel from now on.  Caller holds lock. */
static void share(int fd, uint32_t number)
{
    struct channel *new = &channels[number];
    if (fd < 0)
        return;
    if (fd >= FDS_KNOWN) {
        at_store_rlx(&new->made_at, HIDDEN); /* relaxed: see known() */
        return;
    }
    uint32_t old = channel_of[fd];
    new->users++;
    at_store_rlx(&channel_of[fd], number); /* relaxed: see known() */
    if (old > OUTSIDE && --channels[old].users == 0) {
        rc_forget(&channels[old].object, sizeof channels[old].object);
        free_numbers[n_free++] = old;
    }
}

/* A number that no descriptor has got is given back.  Caller holds lock. */
static void number_settle(uint32_t n)
{
    if (n > OUTSIDE && channels[n].users == 0)
        free_numbers[n_free++] = n;
}

static void pair(int a, int b, uint32_t made_at)
{
    struct rc_thread was = lock_take();
    share(a, NOT_KNOWN); /* closed by means that we did not see */
    share(b, NOT_KNOWN);
    uint32_t number = number_get(made_at, false);
    share(a, number);
    share(b, number);
    number_settle(number);
    lock_give(was);
}

void fds_pair(int a, int b)
{
    pair(a, b, now());
}

void fds_inner(int fd)
{
    pair(fd, fd, INNER);
}

void fds_outside(int fd)
{
    struct rc_thread was = lock_take();
    share(fd, OUTSIDE);
    lock_give(was);
}

void fds_dup(int to, int from)
{
    struct rc_thread was = lock_take();
    if (to != from)
        share(to, known(from));
    lock_give(was);
}

static bool is_open(const struct channel *ch)
{
    uint32_t made_at =
        at_load_rlx(&ch->made_at); /* relaxed: only a channel of two ends is closed */
    return at_load_rlx(&ch->is_open) || (made_at != INNER && made_at != now());
}

static const void *const outside = &channels[OUTSIDE].object;

/* The object of what is not known. */
static const void *common_object(int fd)
{
    struct stat st;
    bool passes = fstat(fd, &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
    return passes ? outside : &all_files;
}

void rc_fd_sends(struct rc_ctx *c, int fd)
{
    if (c == NULL)
        return;
    uint32_t number = known(fd);
    rc_release_merge(c, number ? &channels[number].object : common_object(fd));
    if (is_open(&channels[number])) /* asked after the release: see fds_given_away() */
        rc_release_merge(c, outside);
}

void rc_fd_received(struct rc_ctx *c, int fd)
{
    if (c == NULL)
        return;
    uint32_t number = known(fd);
    rc_acquire(c, number ? &channels[number].object : common_object(fd));
    if (is_open(&channels[number]))
        rc_acquire(c, outside);
}

/* What is in the channels already may be received by the other process.  Who sends meanwhile has
 * released before its channel is looked at here, or sees it open. */
void fds_given_away(struct rc_ctx *c)
{
    if (c == NULL)
        return;
    struct rc_thread was = lock_take();
    at_add_rlx(&processes, 1u); /* relaxed: the objects' locks order it */
    for (uint32_t i = OUTSIDE + 1; i <= n_used; i++)
        if (channels[i].users != 0 && channels[i].made_at != INNER)
            rc_pour(c, &channels[i].object, outside);
    lock_give(was);
}

void fds_got_back(struct rc_ctx *c)
{
    if (c)
        rc_acquire(c, outside);
}

/* Who reads until the end of file is ordered after the close; a number used again has no past. */
void rc_fd_closes(struct rc_ctx *c, int fd)
{
    rc_fd_sends(c, fd);
    if (known(fd) == NOT_KNOWN)
        return;
    struct rc_thread was = lock_take();
    share(fd, NOT_KNOWN);
    lock_give(was);
}

/* ---- connections ----
 *
 * Each end of TCP has a channel of its own, open to the outside, until the other end is found to be
 * here, too: then one of the two, and closed.  Whichever of connect() and accept() returns last
 * finds the other's. */

void fds_socket(int fd)
{
    struct rc_thread was = lock_take();
    share(fd, NOT_KNOWN);
    uint32_t number = number_get(now(), true);
    share(fd, number);
    number_settle(number);
    lock_give(was);
}

/* Makes the channels of both ends that of peer, if peer is an end and both are known.  Caller holds
 * lock. */
static void join(int fd, int peer)
{
    uint32_t other = known(fd), number = known(peer);
    if (number <= OUTSIDE || other <= OUTSIDE)
        return;
    struct channel *ch = &channels[number];
    uint32_t a = ch->made_at, b = channels[other].made_at;
    at_store_rlx(&ch->made_at, a < b ? a : b); /* relaxed: see is_open() */
    at_store_rlx(&ch->is_open, false);         /* relaxed: likewise */
    share(fd, number);
}

void fds_accepted(struct rc_ctx *c, int fd)
{
    fds_socket(fd);
    struct rc_thread was = lock_take();
    join(fd, peers_find(fd));
    lock_give(was);
    rc_fd_received(c, fd);
}

/* Duplicates of fd would stay what they are: then both ends do. */
void fds_connected(int fd)
{
    struct rc_thread was = lock_take();
    if (known(fd) > OUTSIDE && channels[known(fd)].users == 1)
        join(fd, peers_find(fd));
    lock_give(was);
}

/* ---- epoll sets ----
 *
 * An event tells its data and not its descriptor, so who was put into which set with which data is
 * remembered.  Where a bucket is full the oldest entry goes.  One outlives its descriptor, which
 * may order too much. */

enum { WATCH_BUCKETS = 16384, WATCH_SLOTS = 4 };
static struct watch {
    uint64_t data;
    int set, fd;                       /* fd + 1; 0: free */
} watches[WATCH_BUCKETS][WATCH_SLOTS]; /* guarded by lock */

static struct watch *watches_of(int set, uint64_t data)
{
    uint64_t h = (data ^ (uint64_t)set << 48) * UINT64_C(0x9e3779b97f4a7c15);
    return watches[h >> 50];
}

void fds_watch(int set, int fd, uint64_t data)
{
    struct watch new = {data, set, fd + 1};
    struct rc_thread was = lock_take();
    struct watch *w = watches_of(set, data);
    int i = 0;
    while (i < WATCH_SLOTS - 1 && w[i].fd != 0 &&
           (w[i].fd != new.fd || w[i].set != set || w[i].data != data))
        i++;
    for (; i > 0; i--) /* the newest first */
        w[i] = w[i - 1];
    w[0] = new;
    lock_give(was);
}

void fds_event(struct rc_ctx *c, int set, uint64_t data)
{
    int fds[WATCH_SLOTS], n = 0;
    struct rc_thread was = lock_take();
    const struct watch *w = watches_of(set, data);
    for (int i = 0; i < WATCH_SLOTS && w[i].fd != 0; i++)
        if (w[i].set == set && w[i].data == data)
            fds[n++] = w[i].fd - 1;
    lock_give(was);
    for (int i = 0; i < n; i++)
        rc_fd_received(c, fds[i]);
}

void fds_stream_sends(FILE *f)
{
    int fd = fileno(f);
    if (known(fd))
        rc_fd_sends(rc_current(), fd);
}

void fds_stream_received(FILE *f)
{
    int fd = fileno(f);
    if (known(fd))
        rc_fd_received(rc_current(), fd);
}

/* The lowest two descriptors of a channel. */
static void name_channel(struct text *t, uint32_t number)
{
    int fd[2], n = 0;
    if (number == OUTSIDE) {
        text_printf(t, "a socket or pipe");
        return;
    }
    for (int i = 0; i < FDS_KNOWN && n < 2; i++)
        if (known(i) == number)
            fd[n++] = i;
    if (n == 2)
        text_printf(t, "descriptors %d and %d", fd[0], fd[1]);
    else if (n == 1)
        text_printf(t, "descriptor %d", fd[0]);
    else
        text_printf(t, "a descriptor that is closed now");
}

bool fds_object_name(const void *obj, char *buf, size_t size)
{
    struct text t;
    uintptr_t at = (uintptr_t)obj - (uintptr_t)channels;
    text_init(&t, buf, size);
    if (at < sizeof channels)
        name_channel(&t, (uint32_t)(at / sizeof channels[0]));
    else if (obj == &all_files)
        text_printf(&t, "a file");
    return at < sizeof channels || obj == &all_files;
}

void fds_init(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (common_object(fd) == outside)
            fds_outside(fd);
}

void fds_signal_sends(struct rc_ctx *c)
{
    rc_release_merge(c, &all_files); /* a signalfd() is one of them */
}
