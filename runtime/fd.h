/* fd.h - calls in progress on descriptors: entering, waiting, closing.
 *
 *     struct fd_call c;
 *     err = fd_begin(&c, self, fd, FD_READ);
 *     do {
 *         fd_look(&c);                     what happens from here on is not missed
 *         n = try without blocking
 *     } while (n == -EAGAIN && (err = fd_wait(&c, deadline)) == 0);
 *     fd_end(&c, n);
 *
 * Several calls may be in progress on one descriptor, in the same direction too. */
#ifndef RT_FD_H
#define RT_FD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "scheduler.h"

enum { FD_READ = 1, FD_WRITE = 2, FD_DIRECTIONS = 2 };

struct fd_slot;

struct fd_call {
    struct g *self;
    struct fd_slot *slot;
    int fd;
    uint32_t dirs;                /* FD_READ, FD_WRITE or both */
    uint32_t seen[FD_DIRECTIONS]; /* edges before the last try */
    bool woken;                   /* an edge was given to this call: the next may want it too */
};

/* Begins a call of self; one that finds the descriptor being closed waits until it is.  0 or -errno
 * (-EBADF for numbers that no descriptor can have, -ENOMEM). */
int fd_begin(struct fd_call *c, struct g *self, int fd, uint32_t dirs);

/* Edges from now on end the next fd_wait(). */
void fd_look(struct fd_call *c);

/* Waits until something has happened since fd_look(), in one of the call's directions: 0, try
 * again.  Else -ETIMEDOUT at the deadline (rt_nanos(); 0: none), -ECANCELED when the descriptor has
 * been closed, -EPERM when it is of a kind that is always ready, or what else epoll_ctl() says. */
int fd_wait(struct fd_call *c, int64_t deadline);

/* Ends a call with its result.  -EBADF: it comes after the close, also where that went before. */
void fd_end(struct fd_call *c, ssize_t result);

/* Ends all waiting for fd, waits for the calls in progress, closes it: 0 or -errno of close(2).  A
 * second one at the same time gets -EBADF. */
int fd_close(struct g *self, int fd);

/* What io.c knows of how to go in the call's direction, 0 when nothing (a new file).  A hint: the
 * number may have been closed and used again behind the runtime's back. */
uint32_t fd_hint(const struct fd_call *c);
void fd_set_hint(struct fd_call *c, uint32_t hint);

/* The poller's: events of the registration seq of fd.  True when a goroutine was readied. */
bool fd_edge(int fd, uint32_t seq, uint32_t dirs);

#endif
