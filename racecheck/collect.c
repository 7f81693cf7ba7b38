/* collect.c - see collect.h.
 *
 * Nothing is stopped.  What a collection looks for are flows that had ended before it began, and of
 * these the records in a word only ever become fewer: so it does not matter when a word is looked
 * at, as long as it is held meanwhile.  Memos and pasts that no word refers to may still name such
 * a flow, but are only ever used for a word that names it too. */
#include "collect.h"
#include "alike.h"
#include "cell.h"
#include "clock.h"
#include "ctx.h"
#include "futex.h"
#include "heap.h"
#include "shadow.h"
#include "slot.h"

enum {
    LIVES_FIRST = 1 << 13, /* that many flows, 2 MiB, are not worth a look */
    PART_OF_TIME = 5,      /* that many times as long as one took passes before the next, */
    LIVES_LATE = 1 << 16,  /* unless so many flows have begun, and ... */
    WORDS_A_FLOW = 8,      /* ... for each of them so many words were looked at, */
    SLOTS_A_FLOW = 4,      /* and slots: some 100 ns of its 1 to 2 us */
    CROWDS_FIRST = 32 << 20,
};

static struct rt_lock lock;
static uint64_t due = LIVES_FIRST;         /* relaxed: lives at which to collect, */
static int64_t due_at;                     /* relaxed: at that time, */
static uint64_t overdue = LIVES_LATE;      /* relaxed: or at any time */
static uint64_t crowds_due = CROWDS_FIRST; /* relaxed: bytes of large states */

static void mark_record(uint64_t w, void *marks)
{
    slot_mark(marks, w);
}

static void mark_owner(const struct rc_life *life)
{
    slot_mark_life(life);
}

static uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct noting {
    struct slot_marks *marks;
    struct alike *alike;
};

static void note_moment(uint64_t w, void *arg)
{
    struct noting *n = arg;
    if (slot_had_ended(n->marks, w))
        alike_note(n->alike, w);
}

static void merge_crowds(struct slot_marks *marks)
{
    struct noting n = {marks, alike_make(slot_count())};
    shadow_each_crowd_record(note_moment, &n);
    alike_learn(n.alike);
    shadow_merge(n.alike);
    alike_free(n.alike);
    at_store_rlx(&crowds_due, max(2 * cell_crowd_bytes(), CROWDS_FIRST)); /* relaxed: a guess */
}

/* Processor time: others may have had the processor meanwhile. */
static int64_t own_nanos(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* After a collection that took so long and looked at so many words: when the next one is due. */
static void set_due(int64_t nanos, uint64_t words)
{
    uint64_t left = slot_lives();
    uint64_t wait = max(max(words / WORDS_A_FLOW, slot_count() / SLOTS_A_FLOW), LIVES_LATE);
    at_store_rlx(&due, left + max(left, LIVES_FIRST));           /* relaxed: a guess */
    at_store_rlx(&due_at, clock_nanos() + PART_OF_TIME * nanos); /* relaxed: likewise */
    at_store_rlx(&overdue, left + max(left, wait));              /* relaxed: likewise */
}

/* Requires: lock is held. */
static void collect_locked(bool merge)
{
    int64_t began = own_nanos();
    struct slot_marks *marks = slot_marks_begin();
    if (merge)
        merge_crowds(marks);
    uint64_t words = shadow_each_record(mark_record, marks);
    heap_each_owner(mark_owner);
    slot_marks_end(marks);
    set_due(own_nanos() - began, words);
}

static void collect_now(bool merge)
{
    struct rc_thread was = rc_enter();
    if (rt_trylock(&lock)) {
        collect_locked(merge);
        rt_unlock(&lock);
    }
    rc_leave(was);
}

void collect(void)
{
    collect_now(true);
}

/* Inside: clock_gettime() is one of the functions that we see. */
static bool is_time(void)
{
    struct rc_thread was = rc_enter();
    bool is = clock_nanos() >= at_load_rlx(&due_at); /* relaxed: looked at again next time */
    rc_leave(was);
    return is;
}

static bool lives_are_due(void)
{
    uint64_t lives = slot_lives();
    if (lives < at_load_rlx(&due)) /* relaxed: looked at again next time */
        return false;
    return lives >= at_load_rlx(&overdue) || is_time(); /* relaxed: likewise */
}

void collect_if_due(void)
{
    /* relaxed: likewise */
    bool crowds = cell_crowd_bytes() >= at_load_rlx(&crowds_due);
    if (unlikely(crowds || lives_are_due()))
        collect_now(crowds);
}

void collect_hold(void)
{
    rt_lock(&lock);
}

void collect_let_go(void)
{
    rt_unlock(&lock);
}
