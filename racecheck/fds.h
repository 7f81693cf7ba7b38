/* fds.h - which descriptors are ends of one channel; order through them is in rc.h. */
#ifndef RC_FDS_H
#define RC_FDS_H

/* a and b are the ends of a new channel; a == b: an eventfd. */
void fds_pair(int a, int b);

/* to is a duplicate of from. */
void fds_dup(int to, int from);

#endif
