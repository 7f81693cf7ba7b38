/* profile.h - what goroutines' time went to, added up by stack: the matter of profiles and flame
 * graphs. */
#ifndef PROFILE_H
#define PROFILE_H

#include "idmap.h"
#include "reader.h"

/* Why the time passed: a reason for blocking, or one of these. */
enum { PROFILE_RUNNABLE = TR_REASONS, PROFILE_RUNNING, PROFILE_DETACHED, PROFILE_WHYS };

/* "chan receive", "runnable", ... */
const char *profile_why(unsigned why);

struct profile_sample {
    uint64_t fn;    /* without a stack: the goroutine's entry function */
    uint32_t stack; /* 0: none */
    uint32_t why;
    uint64_t count, ns;
};

/* Zero bytes are an empty one; memory for the different stacks, not for the spans. */
struct profile {
    struct idmap keys;
    struct profile_sample *samples;
    uint32_t cap;
};

/* What state a span of a goroutine is, as a why; UINT32_MAX for one that is none. */
unsigned profile_why_of(const struct tr_span *s);

/* Adds a span of a goroutine. */
void profile_add(struct profile *p, const struct tr_span *s);

/* The samples, the longest first.  Nothing is added afterwards. */
uint32_t profile_sort(struct profile *p);
void profile_fini(struct profile *p);

#endif
