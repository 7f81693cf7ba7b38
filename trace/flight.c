/* flight.c - the flight recorder's ring: the last events of every thread, in memory.
 *
 * Streams write as ever; only where their chunks come from differs.  All threads draw on one ring,
 * so that the oldest chunk of all goes first and a busy thread does not shorten its own past while
 * an idle one keeps last week's.  A chunk that its stream still writes cannot be taken away, so
 * each thread holds one at least, whatever the limit.
 *
 *        open (their streams write)         done, in order of their ends
 *     take -----------------------> done -----------------------------> taken again, the first one
 *
 * [from, to] is whole when every event of it is in the ring.  It begins where the chunk that was
 * taken last had its end, or where a chunk could not be had.
 *
 * Definitions are not in the ring: stacks and strings stay in the dictionary's tables, and a
 * snapshot writes those that its events use.  When a table is full the flight takes a turn: a new
 * gen, so that all streams begin new chunks, and the other pair of tables, empty (not while a
 * snapshot reads them: so long there are no new numbers).  What the tables of the turn before last
 * described is then older than the window may be.
 *
 * A snapshot pins the chunks that it reads.  Meanwhile streams get others, so up to twice the
 * memory is used; when that is not enough either, what was recorded since goes first.
 *
 * At a program's end the recording freezes: the streams find no recording, and the ring stays as it
 * was at that instant, however long the report takes. */
#include "record.h"
#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include "vmem.h"

#define rec tr_rec

enum { CHUNKS_MIN = 4 };

struct ring_chunk {
    struct list all;  /* in order of their beginnings, while it belongs to the ring */
    struct list done; /* in order of their ends, once it has one */
    uint64_t end;     /* when its stream left it; 0: open */
    uint32_t gen;
    bool pinned;
    struct tr_chunk_header header __attribute__((aligned(TR_RING_HEAD)));
};
static_assert(offsetof(struct ring_chunk, header) == TR_RING_HEAD, "the head fits before it");

/* Guarded by rec.lock; bytes and duration by rec.control. */
static struct {
    uint64_t bytes;        /* wanted; 0: no flight */
    int64_t duration_ns;   /* likewise; 0: all that there is room for */
    struct list all, done; /* chunks */
    size_t count, pinned;
    size_t max;        /* chunks */
    uint64_t duration; /* units */
    uint64_t from;     /* everything since is there */
    uint64_t turned;   /* when the present gen began */
    uint64_t frozen;   /* when the recording froze; 0: it has not */
    bool opening;      /* a window is open and not filled yet */
    bool missed;       /* a chunk could not be had: events are missing up to now */
} ring;

static struct ring_chunk *chunk_of(struct tr_chunk_header *h)
{
    return container_of(h, struct ring_chunk, header);
}

static void whole_since(uint64_t ticks)
{
    ring.from = ticks > ring.from ? ticks : ring.from;
}

/* ---- the ring ---- */

static void release(struct ring_chunk *c)
{
    if (list_linked(&c->all)) {
        list_remove(&c->all);
        ring.count--;
    }
    if (list_linked(&c->done))
        list_remove(&c->done);
    vm_release(c, TR_CHUNK_SIZE);
}

/* The chunk that ended first and is not being read, or NULL. */
static struct ring_chunk *oldest(void)
{
    list_for_each(l, &ring.done) {
        struct ring_chunk *c = container_of(l, struct ring_chunk, done);
        if (!c->pinned)
            return c;
    }
    return NULL;
}

static bool is_old(const struct ring_chunk *c, uint64_t now)
{
    return ring.duration && now > ring.duration && c->end < now - ring.duration;
}

/* Chunks that there may be.  What comes while the host is asked belongs to the window too. */
static size_t limit(void)
{
    return ring.max + ring.pinned + (ring.opening ? ring.max : 0);
}

static struct ring_chunk *take_again(struct ring_chunk *c)
{
    whole_since(c->end);
    list_remove(&c->all);
    list_remove(&c->done);
    return c;
}

struct tr_chunk_header *tr_ring_take(void)
{
    uint64_t now = tr_now();
    struct ring_chunk *old = oldest(), *c;
    if (old && (is_old(old, now) || ring.count >= limit())) {
        c = take_again(old);
    } else if ((c = vm_reserve(TR_CHUNK_SIZE))) {
        ring.count++;
    } else if (old) {
        c = take_again(old);
    } else {
        ring.missed = true;
        return NULL;
    }
    if (ring.missed)
        whole_since(now);
    ring.missed = false;
    c->end = 0;
    c->gen = rec.gen;
    c->pinned = false;
    list_push_back(&ring.all, &c->all);
    return &c->header;
}

/* Gives back what is above the limit. */
static void shrink(void)
{
    struct ring_chunk *c;
    while (ring.count > limit() && (c = oldest())) {
        whole_since(c->end);
        release(c);
    }
}

void tr_ring_done(struct tr_chunk_header *h)
{
    struct ring_chunk *c = chunk_of(h);
    if (!list_linked(&c->all)) { /* of a flight that has ended */
        release(c);
        return;
    }
    c->end = tr_now();
    list_push_back(&ring.done, &c->done);
    shrink();
}

void tr_ring_off(void)
{
    struct list *l;
    while ((l = list_pop_front(&ring.all))) {
        struct ring_chunk *c = container_of(l, struct ring_chunk, all);
        if (c->end)
            release(c); /* else its stream gives it back */
    }
    ring.count = 0;
    ring.frozen = 0;
}

void tr_flight_fork(void)
{
    if (rec.flight) {
        list_for_each(l, &ring.all) {
            struct ring_chunk *c = container_of(l, struct ring_chunk, all);
            c->end = 1; /* no stream comes to give it back */
        }
        tr_ring_off();
    }
    ring.bytes = 0;
    ring.pinned = 0;
    ring.opening = false;
    rec.flight = false;
}

/* ---- begin, end, change ---- */

/* The limits in chunks and units.  Requires: rec.lock. */
static void set_limits(void)
{
    ring.duration = tr_units(ring.duration_ns);
    ring.max = ring.bytes / TR_CHUNK_SIZE < CHUNKS_MIN ? CHUNKS_MIN : ring.bytes / TR_CHUNK_SIZE;
    shrink();
}

/* Requires: rec.control, and that nothing is recorded. */
static int begin(void)
{
    struct tr_file_header *f = vm_reserve(TR_CHUNK_SIZE);
    if (!f)
        return -ENOMEM;
    rt_lock(&rec.lock);
    struct tr_file_header *old = rec.file;
    rec.flight = true;
    list_init(&ring.all);
    list_init(&ring.done);
    ring.count = ring.pinned = 0;
    ring.frozen = 0;
    ring.missed = false;
    tr_recording_begin(f);
    ring.from = ring.turned = f->start_ticks;
    set_limits();
    rt_unlock(&rec.lock);
    return tr_recording_announce(old);
}

void tr_flight_resume(void)
{
    if (ring.bytes && !rec.flight && rec.fd < 0) /* all three change under rec.control only, but
                                                  * that a full disk ends a file */
        (void)begin();
}

int tr_flight(uint64_t bytes, int64_t duration_ns)
{
    int err = 0;
    if (duration_ns < 0)
        return -EINVAL;
    rt_lock(&rec.control);
    ring.bytes = bytes;
    ring.duration_ns = duration_ns;
    rt_lock(&rec.lock);
    bool runs = rec.flight, file = rec.fd >= 0;
    if (runs && bytes)
        set_limits();
    else if (runs)
        tr_recording_end(TR_FILE_STOPPED, 0);
    rt_unlock(&rec.lock);
    if (!runs && !file && bytes)
        err = begin();
    if (err)
        ring.bytes = 0;
    rt_unlock(&rec.control);
    return err;
}

bool tr_flight_on(void)
{
    return at_load_rlx(&rec.flight); /* relaxed: a hint */
}

void tr_flight_freeze(void)
{
    if (!tr_flight_on() || at_load_rlx(&ring.frozen)) /* relaxed: one thread ends the program */
        return;
    at_store_rlx(&ring.frozen, tr_now()); /* relaxed: read by this thread, or one that it asks */
    at_store_rlx(&tr_on, 0u); /* relaxed: events that come a moment later are left out by time */
}

uint32_t tr_flight_turn(void)
{
    uint32_t gen = 0;
    rt_lock(&rec.lock);
    if (rec.flight && at_load_rlx(&tr_on)) { /* relaxed: under rec.lock */
        whole_since(ring.turned);
        ring.turned = tr_now();
        if (++rec.gen == 0)
            rec.gen = 1;
        gen = rec.gen;
        at_store_rel(&tr_on, gen); /* [looked-up] the other tables are empty */
    }
    rt_unlock(&rec.lock);
    return gen;
}

/* ---- windows ---- */

/* Events up to now, or to when the recording froze. */
static uint64_t end_of_window(void)
{
    uint64_t frozen = at_load_rlx(&ring.frozen); /* relaxed: see tr_flight_freeze() */
    return frozen ? frozen : tr_now();
}

int tr_window_open(struct tr_window *w, uint64_t duration)
{
    *w = (struct tr_window){0};
    rt_lock(&rec.lock);
    int err = rec.flight ? 0 : -ENODATA;
    uint64_t to = end_of_window();
    if (!err) {
        if (!duration)
            duration = ring.duration;
        if (duration && to > duration)
            w->from = to - duration;
        w->from = w->from > ring.from ? w->from : ring.from;
        ring.opening = true;
        list_for_each(l, &ring.all) {
            struct ring_chunk *c = container_of(l, struct ring_chunk, all);
            c->pinned = !c->end || c->end > w->from;
            ring.pinned += c->pinned;
        }
    }
    rt_unlock(&rec.lock);
    return err;
}

/* Requires: rec.lock. */
static void fill(struct tr_window *w)
{
    list_for_each(l, &ring.all) {
        struct ring_chunk *c = container_of(l, struct ring_chunk, all);
        if (c->end && c->end <= w->from)
            continue;
        if (!c->pinned) {
            c->pinned = true;
            ring.pinned++;
        }
        /* [commit] the records before it are there */
        uint32_t used = at_load_acq(&c->header.used);
        w->parts[w->count++] = (struct tr_part){&c->header, c->gen, used, !c->end};
    }
}

int tr_window_fill(struct tr_window *w)
{
    struct timespec wall;
    rt_lock(&rec.lock);
    w->size = (ring.count * sizeof(*w->parts) | (VM_PAGE - 1)) + 1;
    w->parts = vm_reserve(w->size);
    if (w->parts) {
        /* What happened before `to` has been committed before what it caused; so of a cause and
         * its effect the window has both, the first alone, or none. */
        w->to = end_of_window();
        if (ring.from > w->from) /* asking took so long that the ring has turned */
            w->from = ring.from;
        fill(w);
    }
    ring.opening = false;
    rt_unlock(&rec.lock);
    w->end = tr_clock_pair();
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    w->wall = wall.tv_sec * 1000000000ll + wall.tv_nsec;
    return w->parts ? 0 : -ENOMEM;
}

void tr_window_close(struct tr_window *w)
{
    rt_lock(&rec.lock);
    list_for_each(l, &ring.all) {
        container_of(l, struct ring_chunk, all)->pinned = false;
    }
    ring.pinned = 0;
    ring.opening = false;
    shrink();
    rt_unlock(&rec.lock);
    if (w->parts)
        vm_release(w->parts, w->size);
    w->parts = NULL;
}
