/* cpus.c - how many CPUs this process may use: its affinity mask, limited by the quota of its
 * control group (version 2: cpu.max; version 1: cpu.cfs_quota_us).  A quota of 2.5 CPUs counts as
 * 3. */
#include "cpus.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a small file into buf; false when there is none. */
static bool slurp(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, buf, size - 1);
    close(fd);
    if (n <= 0)
        return false;
    buf[n] = 0;
    return true;
}

int cpus_from_quota(const char *cpu_max)
{
    char *end;
    long long quota = strtoll(cpu_max, &end, 10);
    if (end == cpu_max || quota <= 0) /* "max": no limit */
        return 0;
    long long period = strtoll(end, NULL, 10);
    if (period <= 0)
        return 0;
    long long n = quota / period + (quota % period != 0);
    return n > 1 << 20 ? 0 : (int)n;
}

/* The quota of the group at path below the mount, or 0. */
static int quota_at(const char *group)
{
    char path[600], buf[128];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    if (slurp(path, buf, sizeof buf))
        return cpus_from_quota(buf);
    char period[64];
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", group);
    if (!slurp(path, buf, sizeof buf - 64))
        return 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", group);
    if (!slurp(path, period, sizeof period))
        return 0;
    buf[strcspn(buf, "\n")] = ' ';
    strncat(buf, period, sizeof buf - strlen(buf) - 1);
    return cpus_from_quota(buf);
}

static int quota(void)
{
    char buf[2048];
    int least = quota_at("");
    if (!slurp("/proc/self/cgroup", buf, sizeof buf))
        return least;
    char *group = strstr(buf, "0::/");
    if (!group)
        return least;
    group += 3;
    group[strcspn(group, "\n")] = 0;
    while (strlen(group) > 1 && strlen(group) < 400) {
        int n = quota_at(group);
        least = n && (!least || n < least) ? n : least;
        *strrchr(group, '/') = 0;
    }
    return least;
}

int cpus_usable(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    if (n < 1)
        n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int limit = quota();
    n = limit && limit < n ? limit : n;
    return n < 1 ? 1 : n;
}
