/* fds.c - order through descriptors.
 *
 * A write happens before the read that gets its data.  Which read that is is not visible, so each
 * kind of channel has an object that writes release and reads acquire: a pipe, socket pair or
 * eventfd its own, found through its descriptors; all other sockets one together (who talks to whom
 * is the network's matter), and everything else one together.  That may order a little too much and
 * never too little.
 *
 * An object is an address, which stands for a clock in the engine.  They are given out in turn; one
 * that comes round again while its first channel still lives orders too much, not too little. */
#include "fds.h"
#include "atomic.h"
#include "rc.h"
#include <stdint.h>
#include <sys/stat.h>

enum { FDS_KNOWN = 65536, OBJECTS = 65536 };

/* objects[object_of[fd] - 1] is the object of fd; 0: none of its own. */
static uint32_t object_of[FDS_KNOWN];
static uint64_t objects[OBJECTS]; /* of 8 bytes each, so that no two share a shadow word */
static uint32_t n_objects;
static uint64_t all_sockets, all_files;

static void share(int fd, uint32_t object)
{
    if (fd >= 0 && fd < FDS_KNOWN)
        at_store_rlx(&object_of[fd], object); /* relaxed: fd is used after the call that made it */
}

static uint32_t known(int fd)
{
    return fd >= 0 && fd < FDS_KNOWN ? at_load_rlx(&object_of[fd]) : 0; /* relaxed: as above */
}

void fds_pair(int a, int b)
{
    uint32_t object = at_add_rlx(&n_objects, 1u) % OBJECTS + 1; /* relaxed: a number */
    share(a, object);
    share(b, object);
}

void fds_dup(int to, int from)
{
    share(to, known(from));
}

static const void *object(int fd)
{
    struct stat st;
    uint32_t own = known(fd);
    if (own)
        return &objects[own - 1];
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
    share(fd, 0);
}
