/* collect.c - see collect.h.
 *
 * Nothing is stopped.  What a collection looks for are flows that had ended before it began, and of
 * these the records in a word only ever become fewer: so it does not matter when a word is looked
 * at, as long as it is held meanwhile.  Memos and pasts that no word refers to may still name such
 * a flow, but are only ever used for a word that names it too. */
#include "collect.h"
#include "alike.h"
#include "cell.h"
#include "ctx.h"
#include "futex.h"
#include "heap.h"
#include "shadow.h"
#include "slot.h"

enum {
    LIVES_FIRST = 1 << 16, /* that many flows are not worth a look */
    WORDS_A_FLOW = 8,      /* words looked at for each flow begun: some 100 ns of its 1 to 2 us */
    SLOTS_A_FLOW = 4,
    CROWDS_FIRST = 32 << 20,
};

static struct rt_lock lock;
static uint64_t due = LIVES_FIRST;         /* relaxed: lives at which to collect */
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

/* Requires: lock is held. */
static void collect_locked(bool merge)
{
    struct slot_marks *marks = slot_marks_begin();
    if (merge)
        merge_crowds(marks);
    uint64_t words = shadow_each_record(mark_record, marks);
    heap_each_owner(mark_owner);
    slot_marks_end(marks);
    uint64_t left = slot_lives(), wait = max(left, max(words / WORDS_A_FLOW, LIVES_FIRST));
    at_store_rlx(&due, left + max(wait, slot_count() / SLOTS_A_FLOW)); /* relaxed: a guess */
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

/* relaxed: looked at again next time */
void collect_if_due(void)
{
    bool crowds = cell_crowd_bytes() >= at_load_rlx(&crowds_due);
    if (unlikely(crowds || slot_lives() >= at_load_rlx(&due)))
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
