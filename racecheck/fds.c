/* fds.c - order through descriptors.
 *
 * A write happens before the read that gets its data.  Which read that is is not visible, so each
 * kind of channel has an object that writes release and reads acquire: a pipe, socket pair or
 * eventfd its own, found through its descriptors; all other sockets one together (who talks to whom
 * is the network's matter), and everything else one together.  That may order a little too much and
 * never too little.
 *
 * An object is an address, which stands for a clock in the engine.  It is forgotten when the last
 * of its descriptors is closed, and given out again.  When all are in use they are given out in
 * turn: one that two channels have orders too much, not too little. */
#include "fds.h"
#include "ctx.h"
#include "futex.h"
#include "print.h"
#include <stdint.h>
#include <sys/stat.h>

enum { FDS_KNOWN = 65536, OBJECTS = 65536 };

static struct rt_lock lock;
/* object_of[fd] is the number of fd's object; 0: none of its own. */
static uint32_t object_of[FDS_KNOWN]; /* written under lock */
static uint64_t objects[OBJECTS];     /* of 8 bytes each, so that no two share a shadow word */
static uint32_t users[OBJECTS];       /* descriptors; guarded by lock */
static uint32_t n_used, n_free;       /* guarded by lock; objects from n_used on are new */
static uint32_t free_numbers[OBJECTS];
static uint64_t all_sockets, all_files;

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

/* Caller holds lock. */
static uint32_t number_get(void)
{
    static uint32_t turn;
    if (n_free > 0)
        return free_numbers[--n_free];
    return n_used + 1 < OBJECTS ? ++n_used : turn++ % n_used + 1;
}

/* fd's object is number from now on.  Caller holds lock. */
static void share(int fd, uint32_t number)
{
    if (fd < 0 || fd >= FDS_KNOWN)
        return;
    uint32_t old = object_of[fd];
    users[number] += number != 0;
    at_store_rlx(&object_of[fd], number); /* relaxed: fd is used after the call that made it */
    if (old != 0 && --users[old] == 0) {
        rc_forget(&objects[old], sizeof objects[old]);
        free_numbers[n_free++] = old;
    }
}

static uint32_t known(int fd)
{
    return fd >= 0 && fd < FDS_KNOWN ? at_load_rlx(&object_of[fd]) : 0; /* relaxed: as above */
}

void fds_pair(int a, int b)
{
    struct rc_thread was = lock_take();
    share(a, 0); /* closed by means that we did not see */
    share(b, 0);
    uint32_t number = number_get();
    share(a, number);
    share(b, number);
    lock_give(was);
}

void fds_dup(int to, int from)
{
    struct rc_thread was = lock_take();
    if (to != from)
        share(to, known(from));
    lock_give(was);
}

static const void *object(int fd)
{
    struct stat st;
    uint32_t own = known(fd);
    if (own)
        return &objects[own];
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? &all_sockets : &all_files;
}

void rc_fd_sends(struct rc_ctx *c, int fd)
{
    if (c)
        rc_release_merge(c, object(fd));
}

void rc_fd_received(struct rc_ctx *c, int fd)
{
    if (c)
        rc_acquire(c, object(fd));
}

/* Who reads until the end of file is ordered after the close; a number used again has no past. */
void rc_fd_closes(struct rc_ctx *c, int fd)
{
    rc_fd_sends(c, fd);
    if (known(fd) == 0)
        return;
    struct rc_thread was = lock_take();
    share(fd, 0);
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

/* The lowest two descriptors of object number. */
static void name_object(struct text *t, uint32_t number)
{
    int fd[2], n = 0;
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
    uintptr_t at = (uintptr_t)obj - (uintptr_t)objects;
    text_init(&t, buf, size);
    if (at < sizeof objects)
        name_object(&t, (uint32_t)(at / sizeof objects[0]));
    else if (obj == &all_sockets)
        text_printf(&t, "a socket");
    else if (obj == &all_files)
        text_printf(&t, "a file");
    return at < sizeof objects || obj == &all_sockets || obj == &all_files;
}

void fds_signal_sends(struct rc_ctx *c)
{
    rc_release_merge(c, &all_files); /* a signalfd() is one of them */
}
