/* test_cpus.c - quotas as the kernel writes them, and the affinity mask. */
#include <criterion/criterion.h>
#include <sched.h>
#include "cpus.h"

Test(cpus, quota_is_rounded_up)
{
    cr_expect_eq(cpus_from_quota("200000 100000\n"), 2);
    cr_expect_eq(cpus_from_quota("250000 100000\n"), 3);
    cr_expect_eq(cpus_from_quota("100001 100000"), 2);
    cr_expect_eq(cpus_from_quota("10000 100000\n"), 1);
    cr_expect_eq(cpus_from_quota("1 1000000"), 1);
    cr_expect_eq(cpus_from_quota("6400000 100000\n"), 64);
}

Test(cpus, no_quota)
{
    cr_expect_eq(cpus_from_quota("max 100000\n"), 0);
    cr_expect_eq(cpus_from_quota("-1 100000"), 0, "cgroup version 1 says it so");
    cr_expect_eq(cpus_from_quota("0 100000"), 0);
}

Test(cpus, nonsense_is_no_quota)
{
    cr_expect_eq(cpus_from_quota(""), 0);
    cr_expect_eq(cpus_from_quota("\n"), 0);
    cr_expect_eq(cpus_from_quota("100000"), 0);
    cr_expect_eq(cpus_from_quota("100000 0"), 0);
    cr_expect_eq(cpus_from_quota("100000 -5"), 0);
    cr_expect_eq(cpus_from_quota("cpu 5"), 0);
    cr_expect_eq(cpus_from_quota("9223372036854775807 1"), 0, "more than any machine has");
    cr_expect_eq(cpus_from_quota("9223372036854775807 100000"), 0);
}

Test(cpus, affinity_is_a_limit)
{
    cpu_set_t set, one;
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    int n = cpus_usable();
    cr_expect_geq(n, 1);
    cr_expect_leq(n, CPU_COUNT(&set));
    int first = 0;
    while (!CPU_ISSET(first, &set))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_expect_eq(cpus_usable(), 1);
}
