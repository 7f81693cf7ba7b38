/* test_abi_annotate.c - what the dynamic annotations order, hide and name.
 *
 * Flow a writes a word, then flow b does; in between each says what it has to say. */
#include <criterion/criterion.h>
#include "ctx.h"
#include "rc_double.h"

#define ANNOTATION(name, ...) void name(const char *, int, ##__VA_ARGS__)
ANNOTATION(AnnotateHappensBefore, const void *);
ANNOTATION(AnnotateHappensAfter, const void *);
ANNOTATION(WTFAnnotateHappensBefore, const void *);
ANNOTATION(WTFAnnotateHappensAfter, const void *);
ANNOTATION(AnnotateCondVarSignal, const void *);
ANNOTATION(AnnotateCondVarSignalAll, const void *);
ANNOTATION(AnnotateCondVarWait, const void *, const void *);
ANNOTATION(AnnotateRWLockCreate, const void *);
ANNOTATION(AnnotateRWLockDestroy, const void *);
ANNOTATION(AnnotateRWLockAcquired, const void *, unsigned long);
ANNOTATION(AnnotateRWLockReleased, const void *, unsigned long);
ANNOTATION(AnnotateIgnoreReadsBegin);
ANNOTATION(AnnotateIgnoreReadsEnd);
ANNOTATION(AnnotateIgnoreWritesBegin);
ANNOTATION(AnnotateIgnoreWritesEnd);
ANNOTATION(AnnotateIgnoreSyncBegin);
ANNOTATION(AnnotateIgnoreSyncEnd);
ANNOTATION(AnnotateEnableRaceDetection, int);
ANNOTATION(AnnotateBenignRaceSized, const void *, long, const char *);
ANNOTATION(AnnotateNewMemory, const void *, unsigned long);
ANNOTATION(AnnotatePCQPut, const void *);
ANNOTATION(AnnotatePCQGet, const void *);
#define SAY(name, ...) name(__FILE__, __LINE__, ##__VA_ARGS__)

void __tsan_write8(void *), __tsan_read8(void *);

static uint64_t data;
static char object[8];
static struct rc_ctx *a, *b;

static void start(void)
{
    rc_init(NULL);
    a = rc_ctx_make(NULL, RC_GOROUTINE, 1, 1, NULL, 0);
    b = rc_ctx_make(NULL, RC_GOROUTINE, 2, 1, NULL, 0);
    rc_switch(a);
}

static void expect(unsigned reports_wanted)
{
    rc_switch(b);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, reports_wanted);
}

/* a writes and releases by one annotation, b acquires by another and writes. */
#define TRANSFER(name, release, acquire, reports_wanted) \
    Test(abi_annotate, name)                             \
    {                                                    \
        start();                                         \
        __tsan_write8(&data);                            \
        release;                                         \
        rc_switch(b);                                    \
        acquire;                                         \
        expect(reports_wanted);                          \
    }

TRANSFER(happens_before_orders, SAY(AnnotateHappensBefore, object),
         SAY(AnnotateHappensAfter, object), 0)
TRANSFER(by_its_other_name_too, SAY(WTFAnnotateHappensBefore, object),
         SAY(WTFAnnotateHappensAfter, object), 0)
TRANSFER(another_object_does_not_order, SAY(AnnotateHappensBefore, object),
         SAY(AnnotateHappensAfter, object + 1), 1)
TRANSFER(two_befores_do_not_order, SAY(AnnotateHappensBefore, object),
         SAY(AnnotateHappensBefore, object), 1)
TRANSFER(signal_orders_the_wait, SAY(AnnotateCondVarSignal, object),
         SAY(AnnotateCondVarWait, object, &data), 0)
TRANSFER(broadcast_orders_the_wait, SAY(AnnotateCondVarSignalAll, object),
         SAY(AnnotateCondVarWait, object, &data), 0)
TRANSFER(a_queue_is_only_named, SAY(AnnotatePCQPut, object), SAY(AnnotatePCQGet, object), 1)

static void lock_and_unlock(unsigned long is_write)
{
    SAY(AnnotateRWLockAcquired, object, is_write);
    SAY(AnnotateRWLockReleased, object, is_write);
}

TRANSFER(writer_before_writer, lock_and_unlock(1), lock_and_unlock(1), 0)
TRANSFER(writer_before_reader, lock_and_unlock(1), lock_and_unlock(0), 0)
TRANSFER(reader_before_writer, lock_and_unlock(0), lock_and_unlock(1), 0)
TRANSFER(readers_are_not_ordered, lock_and_unlock(0), lock_and_unlock(0), 1)
TRANSFER(a_new_lock_knows_nothing, (lock_and_unlock(1), SAY(AnnotateRWLockDestroy, object)),
         (SAY(AnnotateRWLockCreate, object), lock_and_unlock(1)), 1)

TRANSFER(ignored_sync_does_not_order,
         (SAY(AnnotateIgnoreSyncBegin), SAY(AnnotateHappensBefore, object),
          SAY(AnnotateIgnoreSyncEnd)),
         SAY(AnnotateHappensAfter, object), 1)
TRANSFER(new_memory_has_no_past, (void)0, SAY(AnnotateNewMemory, &data, sizeof(data)), 0)

Test(abi_annotate, ignored_writes_are_not_recorded)
{
    start();
    SAY(AnnotateIgnoreWritesBegin);
    __tsan_write8(&data);
    SAY(AnnotateIgnoreWritesEnd);
    expect(0);
}

Test(abi_annotate, ignored_reads_are_not_recorded_but_writes_are)
{
    start();
    SAY(AnnotateIgnoreReadsBegin);
    __tsan_read8(&data);
    rc_switch(b);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 0);
    rc_switch(a);
    __tsan_write8(&data);
    cr_assert_eq(n_reports, 1);
    SAY(AnnotateIgnoreReadsEnd);
}

Test(abi_annotate, detection_can_be_switched_off)
{
    start();
    SAY(AnnotateEnableRaceDetection, 0);
    __tsan_write8(&data);
    SAY(AnnotateEnableRaceDetection, 1);
    expect(0);
}

Test(abi_annotate, benign_races_are_not_reported)
{
    start();
    SAY(AnnotateBenignRaceSized, &data, sizeof(data), "a statistic");
    __tsan_write8(&data);
    expect(0);
}
