/* abi_annotate.c - the dynamic annotations that C programs use to explain their own synchronisation
 * (AnnotateHappensBefore and its relatives).  What orders is honoured; what only named things for
 * other tools does nothing. */
#include "abi.h"
#include "race.h"

#define ANNOTATION(name, ...)                                                                    \
    EXPORT void name(const char *file, int line, ##__VA_ARGS__);                                 \
    EXPORT void name(const char *file __attribute__((unused)), int line __attribute__((unused)), \
                     ##__VA_ARGS__)

#define UNUSED __attribute__((unused))

#define DOES_NOTHING(name, ...)     \
    ANNOTATION(name, ##__VA_ARGS__) \
    {                               \
    }

/* ---- order ---- */

#define RELEASES(name)                      \
    ANNOTATION(name, const void *obj)       \
    {                                       \
        rc_release_merge(rc_self.ctx, obj); \
    }
#define ACQUIRES(name)                \
    ANNOTATION(name, const void *obj) \
    {                                 \
        rc_acquire(rc_self.ctx, obj); \
    }

RELEASES(AnnotateHappensBefore)
RELEASES(WTFAnnotateHappensBefore)
RELEASES(AnnotateCondVarSignal)
RELEASES(AnnotateCondVarSignalAll)
ACQUIRES(AnnotateHappensAfter)
ACQUIRES(WTFAnnotateHappensAfter)

ANNOTATION(AnnotateCondVarWait, const void *cond, const void *lock UNUSED)
{
    rc_acquire(rc_self.ctx, cond);
}

/* ---- reader-writer locks: two clocks, as in abi_misc.c ---- */

ANNOTATION(AnnotateRWLockCreate, const void *lock)
{
    rc_forget(lock, 2);
}

ANNOTATION(AnnotateRWLockCreateStatic, const void *lock)
{
    rc_forget(lock, 2);
}

ANNOTATION(AnnotateRWLockDestroy, const void *lock)
{
    rc_forget(lock, 2);
}

ANNOTATION(AnnotateRWLockAcquired, const void *lock, unsigned long is_write)
{
    struct rc_ctx *c = rc_self.ctx;
    rc_acquire(c, lock);
    if (is_write)
        rc_acquire(c, (const char *)lock + 1);
    rc_lock_taken(c, lock, is_write, "rwlock", CALLER_PC);
}

ANNOTATION(AnnotateRWLockReleased, const void *lock, unsigned long is_write)
{
    struct rc_ctx *c = rc_self.ctx;
    rc_lock_dropped(c, lock);
    if (is_write)
        rc_release(c, lock);
    else
        rc_release_merge(c, (const char *)lock + 1);
}

/* ---- what is not recorded ---- */

#define COUNTS(name, field, step)       \
    ANNOTATION(name)                    \
    {                                   \
        if (rc_self.ctx)                \
            rc_self.ctx->field += step; \
    }

COUNTS(AnnotateIgnoreReadsBegin, ignored[0], 1u)
COUNTS(AnnotateIgnoreReadsEnd, ignored[0], -1u)
COUNTS(AnnotateIgnoreWritesBegin, ignored[1], 1u)
COUNTS(AnnotateIgnoreWritesEnd, ignored[1], -1u)

ANNOTATION(AnnotateIgnoreSyncBegin)
{
    if (rc_self.ctx)
        rc_self.ctx->no_sync++;
}

ANNOTATION(AnnotateIgnoreSyncEnd)
{
    if (rc_self.ctx)
        rc_self.ctx->no_sync--;
}

ANNOTATION(AnnotateEnableRaceDetection, int enable)
{
    if (enable)
        rc_enable(rc_self.ctx);
    else
        rc_disable(rc_self.ctx);
}

ANNOTATION(AnnotateBenignRaceSized, const void *p, long size, const char *why UNUSED)
{
    race_benign((uintptr_t)p, (size_t)size);
}

ANNOTATION(WTFAnnotateBenignRaceSized, const void *p, long size, const char *why UNUSED)
{
    race_benign((uintptr_t)p, (size_t)size);
}

ANNOTATION(AnnotateBenignRace, const void *p, const char *why UNUSED)
{
    race_benign((uintptr_t)p, sizeof(void *));
}

/* ---- memory and names ---- */

ANNOTATION(AnnotateNewMemory, const void *p, unsigned long size)
{
    rc_mem_fresh(p, size);
}

ANNOTATION(AnnotateThreadName, const char *name)
{
    rc_ctx_name(rc_self.ctx, name);
}

/* ---- for other tools ---- */

DOES_NOTHING(AnnotateMutexIsNotPHB, const void *m UNUSED)
DOES_NOTHING(AnnotateMutexIsUsedAsCondVar, const void *m UNUSED)
DOES_NOTHING(AnnotatePCQCreate, const void *q UNUSED)
DOES_NOTHING(AnnotatePCQDestroy, const void *q UNUSED)
DOES_NOTHING(AnnotatePCQPut, const void *q UNUSED)
DOES_NOTHING(AnnotatePCQGet, const void *q UNUSED)
DOES_NOTHING(AnnotatePublishMemoryRange, const void *p UNUSED, long size UNUSED)
DOES_NOTHING(AnnotateUnpublishMemoryRange, const void *p UNUSED, long size UNUSED)
DOES_NOTHING(AnnotateTraceMemory, const void *p UNUSED)
DOES_NOTHING(AnnotateMemoryIsInitialized, const void *p UNUSED, long size UNUSED)
DOES_NOTHING(AnnotateMemoryIsUninitialized, const void *p UNUSED, long size UNUSED)
DOES_NOTHING(AnnotateExpectRace, const void *p UNUSED, const char *why UNUSED)
DOES_NOTHING(AnnotateFlushExpectedRaces)
DOES_NOTHING(AnnotateFlushState)
DOES_NOTHING(AnnotateNoOp, const void *p UNUSED)

EXPORT int RunningOnValgrind(void);
EXPORT int RunningOnValgrind(void)
{
    return 0;
}

EXPORT double ValgrindSlowdown(void);
EXPORT double ValgrindSlowdown(void)
{
    return 10.0; /* what programs scale their time-outs by */
}

EXPORT const char *ThreadSanitizerQuery(const char *query);
EXPORT const char *ThreadSanitizerQuery(const char *query)
{
    static const char pure[] = "pure_happens_before";
    for (size_t i = 0; i < sizeof pure; i++)
        if (query[i] != pure[i])
            return "0";
    return "1";
}
