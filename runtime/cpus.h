/* cpus.h - how many CPUs this process may use. */
#ifndef RT_CPUS_H
#define RT_CPUS_H

#include <stdbool.h>

/* At least 1. */
int cpus_usable(void);

/* CPUs of a cgroup quota "QUOTA PERIOD" (both in us), rounded up; 0: no limit. */
int cpus_from_quota(const char *cpu_max);

#endif
