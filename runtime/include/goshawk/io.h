/* goshawk/io.h - reading, writing and waiting on descriptors without blocking a thread.
 *
 * Any descriptor will do: pipes, sockets, terminals, eventfds, inherited ones, in blocking or
 * non-blocking mode.  A goroutine that has to wait parks, and its thread runs others; the runtime's
 * poller (epoll) wakes it.  No call here changes a descriptor's flags, which belong to all who have
 * the file open, other processes too.
 *
 * How a call does not block the thread, though the descriptor may be in blocking mode:
 *   sockets                   recv() and send() with MSG_DONTWAIT
 *   pipes, eventfds, ...      preadv2() and pwritev2() with RWF_NOWAIT; where the kernel or the
 *                             driver has no such thing (pipes before Linux 6.4, terminals), a look
 *                             with poll(2), and the call itself, of PIPE_BUF bytes at most when
 *                             writing, between go_blocking_begin() and go_blocking_end()
 *   regular files, disks      always between these two: other goroutines run meanwhile
 *
 * Errors are returned as -errno; errno itself means nothing after a call.  Besides those of read(2)
 * and write(2):
 *   -ETIMEDOUT   the deadline has come
 *   -ECANCELED   go_fd_close() was called for the descriptor meanwhile
 *   -EBADF       it is not open
 *   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC   the poller could not be set up, or not take one more
 * -EINTR and -EAGAIN are not among them: calls go on, but for a file of a kind that cannot be
 * waited for and is not ready nevertheless (-EAGAIN).
 *
 * Deadlines are moments of go_now(), and 0 means none.  A call that needs not wait succeeds after
 * its deadline too, so one in the past makes a call that does not wait.  Under GOSHAWK_SEED the
 * clock is virtual and descriptors are not: when nothing can run, the runtime looks once at the
 * descriptors, and if none is ready the clock jumps to the next deadline or timer.  What goes
 * through pipes and socket pairs inside the program is reproduced; what comes from outside in time
 * is not, and a wait for it may time out at once.
 *
 * Closing.  A descriptor that goroutines may be waiting for, or may use at the same time, is to be
 * closed by go_fd_close().  If close(2) is called instead, calls that wait stay where they are
 * until the number is used again with these functions (then they get -ECANCELED), or for ever.
 *
 * All calls may be used by several goroutines at once on one descriptor, in the same direction
 * too; and from threads that are not goroutines, which are blocked.  A goroutine that waits is no
 * deadlock: the world outside may still wake it.  Its state in dumps and traces is "IO wait".
 *
 * For the race detector a write, or the close, of one end of a pipe or socket pair happens before
 * the read from the other, and before the wait that found it readable; the buffers count as read
 * and written by the caller. */
#ifndef GOSHAWK_IO_H
#define GOSHAWK_IO_H

#include <goshawk/base.h>
#include <goshawk/time.h>
#include <sys/types.h>

GO_BEGIN_DECLS_

/* What to wait for, and what is ready. */
#define GO_FD_READ  1 /* a read would not block: data, end of file, a connection, an error */
#define GO_FD_WRITE 2 /* a write would not block: space, or an error */
/* Only in results. */
#define GO_FD_HUP 4 /* the other end is closed */
#define GO_FD_ERR 8 /* an error is pending, or a pipe has no reader any more */

/* Waits until fd is ready for one of events (GO_FD_READ, GO_FD_WRITE or both).  Returns those of
 * events that are ready, > 0, with GO_FD_HUP and GO_FD_ERR added where they hold; either of these
 * makes fd ready for all of events.  Readiness is a state, as for poll(2): it does not matter how
 * much was read before, or by whom; and another goroutine may have taken the data when this one
 * comes to it, so reading must not block (go_read(), or O_NONBLOCK).  Regular files are always
 * ready.
 * Errors: as above; -EINVAL for other events. */
GO_API_ int go_fd_wait(int fd, int events, go_time deadline);

/* Reads up to n bytes into buf, as read(2) does: waits until there is something, and returns how
 * much it got, 0 at the end of the file, or -errno.  n == 0: returns 0 at once. */
GO_API_ ssize_t go_read(int fd, void *buf, size_t n);
/* The same, until the deadline at most. */
GO_API_ ssize_t go_read_deadline(int fd, void *buf, size_t n, go_time deadline);

/* Writes n bytes of buf, waiting as often as there is no space; a datagram in one piece.  Returns
 * n; or, when an error, the deadline or a close came in between, how many have been written; or
 * -errno when none has.  Writes of several goroutines to one descriptor may mix if they are longer
 * than PIPE_BUF (pipes) or do not fit at once (sockets). When nobody can read any more: -EPIPE, and
 * no SIGPIPE; but on descriptors 1 and 2 the signal comes as it does from write(2), so that a
 * program in a pipeline ends with it. */
GO_API_ ssize_t go_write(int fd, const void *buf, size_t n);
/* The same, until the deadline at most. */
GO_API_ ssize_t go_write_deadline(int fd, const void *buf, size_t n, go_time deadline);

/* Closes fd.  All calls above that wait for it return -ECANCELED first; when it returns, none of
 * them uses the number any more.  A call that is just reading or writing a regular file is waited
 * for.  Returns 0, or -errno: -EBADF when it is not open or being closed already; after any other
 * error of close(2) it is closed all the same. */
GO_API_ int go_fd_close(int fd);

GO_END_DECLS_

#endif
