/* peers.h - which socket of this process is at the other end of another. */
#ifndef RC_PEERS_H
#define RC_PEERS_H

/* The socket at the other end of fd, a connected socket of TCP, if it was asked for its own other
 * end before, in vain; else -1, and fd is what may be found next time.  The caller has a lock that
 * all callers have. */
int peers_find(int fd);

#endif
