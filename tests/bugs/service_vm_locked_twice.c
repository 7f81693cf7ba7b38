/* service_vm_locked_twice.c - a function locks what its caller has locked (after moby #36114).
 *
 * The driver of Linux containers on Windows locks its service VM to add disks, and removes those
 * that it had added when one fails; the removal locks the VM again.  The repair removes with the
 * variant that expects the lock.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

enum { DISKS = 3 };

static struct service_vm {
    go_mutex lock;
    int attached[DISKS]; /* guarded by lock: how often */
} vm;

static void hot_remove_locked(struct service_vm *s, int disk)
{
    if (s->attached[disk] > 0)
        s->attached[disk]--;
}

static void hot_remove(struct service_vm *s, int disk)
{
    go_mutex_lock(&s->lock);
    go_defer(go_mutex_unlock, &s->lock);
    hot_remove_locked(s, disk);
}

static int attach(int disk)
{
    return disk < 2 ? 0 : -ENOSPC;
}

static int hot_add(struct service_vm *s)
{
    go_mutex_lock(&s->lock);
    go_defer(go_mutex_unlock, &s->lock);
    for (int disk = 0; disk < DISKS; disk++) {
        int err = attach(disk);
        if (err) {
            while (--disk >= 0)
#ifdef REPAIRED
                hot_remove_locked(s, disk);
#else
                hot_remove(s, disk);
#endif
            return err;
        }
        s->attached[disk]++;
    }
    return 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("hot add: %d\n", hot_add(&vm));
    hot_remove(&vm, 0);
    return 0;
}
