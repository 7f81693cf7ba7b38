/* failure_path_locks_again.c - the logger's exit takes the lock of its caller (after cockroach
 * #9935).
 *
 * Writing a line happens under the logger's lock.  When the write fails, the function that ends
 * the program is called there, and it locks the logger too.  The repair unlocks first.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>

struct logger {
    go_mutex mu;
    bool broken;         /* mu */
    int exit_code;       /* mu */
    int (*write)(int n); /* 0 or -errno */
};

static int disk_full(int n)
{
    return n > 1 ? -ENOSPC : 0;
}

static void exit_by(struct logger *l, int err)
{
    go_mutex_lock(&l->mu);
    l->broken = true;
    l->exit_code = -err;
    go_mutex_unlock(&l->mu);
}

static void output(struct logger *l, int line)
{
    go_mutex_lock(&l->mu);
    int err = l->write(line);
#ifdef REPAIRED
    go_mutex_unlock(&l->mu);
    if (err)
        exit_by(l, err);
#else
    if (err)
        exit_by(l, err);
    go_mutex_unlock(&l->mu);
#endif
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct logger l = {.write = disk_full};
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, output, &l, i);
    go_waitgroup_wait(&wg);
    return l.exit_code != ENOSPC;
}
