/* fds.h - which descriptors are ends of one channel; order through them is in rc.h. */
#ifndef RC_FDS_H
#define RC_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct rc_ctx;

/* Once: what the process was given. */
void fds_init(void);

/* a and b are the ends of a new channel; a == b: an eventfd. */
void fds_pair(int a, int b);

/* A new set of epoll or the like, of which other processes make nothing. */
void fds_inner(int fd);

/* fd's other end is in another process. */
void fds_outside(int fd);

/* A new socket of TCP; then, after connect(), and after accept() gave fd. */
void fds_socket(int fd);
void fds_connected(int fd);
void fds_accepted(struct rc_ctx *c, int fd);

/* Another process is about to get descriptors of this one; one has ended. */
void fds_given_away(struct rc_ctx *c);
void fds_got_back(struct rc_ctx *c);

/* to is a duplicate of from. */
void fds_dup(int to, int from);

/* fd is in the epoll set from now on, with these data; an event with the data may be its. */
void fds_watch(int set, int fd, uint64_t data);
void fds_event(struct rc_ctx *c, int set, uint64_t data);

/* Data goes into the stream, or came out of it: order as through its descriptor when that is an end
 * of a channel; nothing for files and terminals. */
void fds_stream_sends(FILE *f);
void fds_stream_received(FILE *f);

/* obj is one of the objects above: writes "descriptors 3 and 4" or the like.  False: it is not. */
bool fds_object_name(const void *obj, char *buf, size_t size);

/* c sends a signal: who reads it from a descriptor is ordered after that. */
void fds_signal_sends(struct rc_ctx *c);

#endif
