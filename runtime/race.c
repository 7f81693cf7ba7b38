/* race.c - the program speaks to the detector: go_race_*().
 *
 * Thin: each call is one hook on the calling goroutine's context, nothing in the plain build. */
#include <goshawk/race.h>
#include "futex.h"
#include "hook.h"
#include "scheduler.h"

bool go_race_enabled(void)
{
    return GO_RACE;
}

void go_race_acquire(const void *p)
{
    hook_acquire(hook_self(), p);
}

void go_race_release(const void *p)
{
    hook_release(hook_self(), p);
}

void go_race_release_merge(const void *p)
{
    hook_release_merge(hook_self(), p);
}

void go_race_read(const void *p, size_t n)
{
    hook_read(hook_self(), p, n, hook_caller());
}

void go_race_write(const void *p, size_t n)
{
    hook_write(hook_self(), p, n, hook_caller());
}

void go_race_disable(void)
{
    hook_race_disable(hook_self());
}

void go_race_enable(void)
{
    hook_race_enable(hook_self());
}

int go_race_errors(void)
{
    return (int)hook_race_errors();
}

/* The user's callback, in his terms. */
static struct rt_lock callback_lock; /* guards callback */
static struct {
    void (*fn)(const go_race_report *report, void *arg);
    void *arg;
} callback;

static void on_report(const struct rc_report *r, void *unused)
{
    const go_race_report report = {(int)r->number, r->kind, r->fingerprint, r->text};
    (void)unused;
    rt_lock(&callback_lock);
    __typeof__(callback) c = callback;
    rt_unlock(&callback_lock);
    if (c.fn)
        c.fn(&report, c.arg);
}

void go_race_on_report(void (*fn)(const go_race_report *report, void *arg), void *arg)
{
    rt_lock(&callback_lock);
    callback.fn = fn;
    callback.arg = arg;
    rt_unlock(&callback_lock);
    hook_race_on_report(on_report, NULL);
}
