/* int_table.h - interceptors that are one line of a table: what is read before the real call, and
 * what is written when it went well. */
#ifndef RC_INT_TABLE_H
#define RC_INT_TABLE_H

#include "intercept.h"

static inline void reads(uintptr_t pc, const void *p, size_t n)
{
    if (p)
        saw_read(watched_from(pc), p, n, pc);
}

static inline void writes(uintptr_t pc, const void *p, size_t n)
{
    if (p)
        saw_write(watched_from(pc), p, n, pc);
}

static inline void reads_text(uintptr_t pc, const char *s)
{
    struct rc_ctx *c = watched_from(pc);
    if (c && s)
        saw_read(c, s, rt_real_strlen(s) + 1, pc);
}

static inline void writes_text(uintptr_t pc, const char *s)
{
    struct rc_ctx *c = watched_from(pc);
    if (c && s)
        saw_write(c, s, rt_real_strlen(s) + 1, pc);
}

static inline void writes_wide(uintptr_t pc, const wchar_t *s)
{
    struct rc_ctx *c = watched_from(pc);
    if (c && s)
        saw_write(c, s, (rt_real_wcslen(s) + 1) * sizeof *s, pc);
}

/* before: told first.  after: told when ok holds of the result r. */
#define CALL(result, name, parameters, arguments, before, ok, after) \
    INTERCEPT(result, name, parameters)                              \
    {                                                                \
        before;                                                      \
        result r = rt_real_##name arguments;                         \
        if (ok) {                                                    \
            after;                                                   \
        }                                                            \
        return r;                                                    \
    }
#define NOTHING   (void)0
#define WRITES(p) writes(PC, p, sizeof *(p))
#define READS(p)  reads(PC, p, sizeof *(p))
#define FILLS(name, parameters, arguments, p) \
    CALL(int, name, parameters, arguments, NOTHING, r == 0, WRITES(p))

#endif
