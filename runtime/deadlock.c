/* deadlock.c - nothing can run any more.
 *
 * When all Ms sleep and no timer pends, only a thread that is not ours can wake a goroutine.  Our
 * own are the Ms, the thread in go_run() and the monitor; an emulator of user mode has one more.  If
 * others exist the monitor looks again from time to time, since they may end. */
#include "deadlock.h"
#include "dump.h"
#include "entry.h"
#include "panic.h"
#include "proc.h"
#include "signals.h"
#include "spawn.h"
#include "sysmon.h"
#include "vmem.h"
#include <dirent.h>

static unsigned threads_of_process(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return ~0u; /* unknown: assume that there are others */
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

void deadlock_check(void)
{
    if (!rt_running())
        return;
    unsigned ours = worker_count() + 1 + signals_thread_count() + sysmon_thread_count() +
                    vm_emulated();
    if (threads_of_process() > ours) {
        signals_watch_deadlock();
        return;
    }
    panic_fatal_all(rt_main_exited() ? "no goroutines (main called runtime.Goexit) - deadlock!"
                                     : "all goroutines are asleep - deadlock!");
}
