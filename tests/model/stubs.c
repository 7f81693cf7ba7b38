/* stubs.c - what the runtime's files name and no model calls: the tracer is off, nothing panics. */
#include "holders.h"
#include "panic.h"
#include "scheduler.h"
#include "tr.h"
#include <stdlib.h>

uint32_t tr_on, holders_on;
bool rt_point_on, rt_careful;

#define NEVER(name, ...)   \
    void name(__VA_ARGS__) \
    {                      \
        abort();           \
    }
#define S struct tr_stream *s __attribute__((unused))
#define U __attribute__((unused))

NEVER(tr_go_create, S, uint64_t g U, uint64_t by U, const void *fn U)
NEVER(tr_go_start, S, uint64_t g U, uint32_t p U, const void *top U)
NEVER(tr_go_end, S, uint64_t g U)
NEVER(tr_go_yield, S, uint64_t g U)
NEVER(tr_go_block, S, uint64_t g U, enum tr_reason why U, const void *obj U)
NEVER(tr_go_ready, S, uint64_t g U, uint64_t by U, enum tr_reason why U, const void *obj U)
NEVER(tr_go_name, S, uint64_t g U, const char *name U)
NEVER(tr_p_start, S, uint32_t p U)
NEVER(tr_p_stop, S, uint32_t p U)
NEVER(tr_p_steal, S, uint32_t from U, uint32_t n U)
NEVER(tr_p_retake, S, uint32_t p U, uint32_t m U)
NEVER(tr_m_park, S)
NEVER(tr_m_unpark, S)
NEVER(tr_procs, S, uint32_t n U)

void holders_add_(const void *lock, uintptr_t pc)
{
    (void)lock, (void)pc;
    abort();
}

void holders_drop_(const void *lock)
{
    (void)lock;
    abort();
}

void rt_point_taken(void)
{
    abort();
}

_Noreturn void rt_panic(const char *text)
{
    ex_fail("panic: %s", text);
}

_Noreturn void rt_fatal(const char *fmt, ...)
{
    ex_fail("fatal error: %s", fmt);
}
