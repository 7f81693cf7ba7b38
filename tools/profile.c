/* profile.c - see profile.h. */
#include "profile.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

const char *profile_why(unsigned why)
{
    switch (why) {
    case TR_NONE:
        return "blocked";
    case PROFILE_RUNNABLE:
        return "runnable";
    case PROFILE_RUNNING:
        return "running";
    case PROFILE_DETACHED:
        return "running without a P";
    default:
        return tr_reason_name((enum tr_reason)why);
    }
}

unsigned profile_why_of(const struct tr_span *s)
{
    if (s->lane != TR_LANE_G)
        return UINT32_MAX;
    switch (s->state) {
    case TR_G_RUNNABLE:
        return PROFILE_RUNNABLE;
    case TR_G_RUNNING:
        return PROFILE_RUNNING;
    case TR_G_DETACHED:
        return PROFILE_DETACHED;
    case TR_G_BLOCKED:
        return s->why;
    default:
        return UINT32_MAX;
    }
}

static struct profile_sample *sample(struct profile *p, uint32_t stack, uint64_t fn, unsigned why)
{
    uint64_t key = stack ? (uint64_t)stack << 8 : 1ull << 63 | fn << 8;
    uint32_t n = idmap_add(&p->keys, key | why);
    if (n >= p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 64;
        struct profile_sample *more = cmd_alloc(cap * sizeof(*more));
        memset(more, 0, cap * sizeof(*more));
        if (p->cap)
            memcpy(more, p->samples, p->cap * sizeof(*more));
        free(p->samples);
        p->samples = more;
        p->cap = cap;
    }
    p->samples[n].stack = stack;
    p->samples[n].fn = stack ? 0 : fn;
    p->samples[n].why = why;
    return &p->samples[n];
}

void profile_add(struct profile *p, const struct tr_span *s)
{
    uint32_t stack = s->state == TR_G_BLOCKED    ? s->stack
                     : s->state == TR_G_RUNNABLE ? s->by_stack
                                                 : 0;
    struct profile_sample *to = sample(p, stack, s->info ? s->info->fn : 0, profile_why_of(s));
    to->count++;
    to->ns += (uint64_t)(s->end - s->begin);
}

static int by_time(const void *a, const void *b)
{
    const struct profile_sample *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : x->stack < y->stack ? -1 : x->stack > y->stack;
}

uint32_t profile_sort(struct profile *p)
{
    if (p->keys.count)
        qsort(p->samples, p->keys.count, sizeof(*p->samples), by_time);
    return p->keys.count;
}

void profile_fini(struct profile *p)
{
    idmap_fini(&p->keys);
    free(p->samples);
}
