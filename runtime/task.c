/* task.c - see task.h.
 *
 * The kernel tells in a file of /proc what a thread does.  Opening a file takes the lowest free
 * number, on which a program may count: close(0), then open(), or a number just closed that a call
 * under way still names.  So the files of some threads stay open, with high numbers.  A program
 * that closes what it does not know may give such a number to a file of its own; that one does not
 * begin with the thread's id. */
#include "task.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "print.h"

enum { KEPT = 16, NUMBER_MIN = 512 };

static struct kept {
    int tid; /* 0: none */
    int fd;
} all_kept[KEPT];

/* What the file says of the thread: "TID (NAME) STATE ..."; NULL: it is not that file, or the
 * thread has ended. */
static const char *state_in(int fd, int tid)
{
    static char stat[512];
    char *end;
    ssize_t n = pread(fd, stat, sizeof stat - 1, 0);
    stat[n < 0 ? 0 : n] = 0;
    if (strtol(stat, &end, 10) != tid || strncmp(end, " (", 2) != 0)
        return NULL;
    const char *name_end = strrchr(stat, ')'); /* the name may hold anything */
    return name_end && name_end[1] == ' ' ? name_end + 2 : NULL;
}

static int open_stat(int tid)
{
    char path[64];
    struct text text;
    text_init(&text, path, sizeof path);
    text_printf(&text, "/proc/self/task/%d/stat", tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The state by a file that is kept from now on, where numbers reach that high. */
static const char *state_anew(struct kept *k, int tid)
{
    int low = open_stat(tid);
    if (low < 0)
        return NULL;
    const char *state = state_in(low, tid);
    int fd = state ? fcntl(low, F_DUPFD_CLOEXEC, NUMBER_MIN) : -1;
    close(low);
    *k = (struct kept){fd < 0 ? 0 : tid, fd};
    return state;
}

/* Closes k's file, if it still is that. */
static void drop(struct kept *k)
{
    errno = 0;
    if (k->tid && (state_in(k->fd, k->tid) || errno == ESRCH)) /* the thread is there, or was */
        close(k->fd);
    k->tid = 0;
}

bool task_sleeps(int tid)
{
    struct kept *k = &all_kept[(unsigned)tid % KEPT];
    const char *state = k->tid == tid ? state_in(k->fd, tid) : NULL;
    if (!state) {
        drop(k);
        state = state_anew(k, tid);
    }
    return state && (*state == 'S' || *state == 'D');
}
