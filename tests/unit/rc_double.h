/* rc_double.h - a reporter for tests of the engine: keeps the reports instead of printing them.
 * Include it in one file of a test program; it takes the place of report.c. */
#ifndef TEST_RC_DOUBLE_H
#define TEST_RC_DOUBLE_H

#include "report.h"

#if defined(__GNUC__) && !defined(__clang__) /* as in abi.h */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

enum { DOUBLE_MAX = 4096 };

static struct double_report {
    struct rc_access_info now, before;
    struct rc_order_info order;
} reports[DOUBLE_MAX];
static unsigned n_reports;

void rc_report_init(void)
{
}

void rc_report_race(const struct rc_access_info *now, const struct rc_access_info *before,
                    const struct rc_order_info *order)
{
    if (n_reports < DOUBLE_MAX)
        reports[n_reports] = (struct double_report){*now, *before, *order};
    n_reports++;
}

static struct double_report uses[16];
static unsigned n_uses;

void rc_report_use(const struct rc_access_info *now, const struct rc_access_info *freed)
{
    uses[n_uses++ % 16] = (struct double_report){.now = *now, .before = *freed};
}

static struct rc_circle circles[16];
static struct rc_misuse misuses[16];
static struct rc_reread rereads[16];
static unsigned n_circles, n_rereads, n_misuses;

void rc_report_circle(const struct rc_circle *circle)
{
    circles[n_circles++ % 16] = *circle;
}

void rc_report_reread(const struct rc_reread *reread)
{
    rereads[n_rereads++ % 16] = *reread;
}

void rc_report_misuse(const struct rc_misuse *misuse)
{
    misuses[n_misuses++ % 16] = *misuse;
}

void rc_report_thread_leak(const struct rc_flow_id *thread)
{
    (void)thread;
}

void rc_report_blocked(const struct rc_blocked *blocked)
{
    (void)blocked;
}

unsigned rc_report_errors(void)
{
    return n_reports;
}

int rc_report_fini(int status)
{
    return status;
}

#endif
