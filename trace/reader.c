/* reader.c - opening a trace and merging its streams into one order.
 *
 * Each stream is in order by itself.  A heap gives the stream whose next event is earliest by the
 * clock. Clocks of processors may disagree a little, and a counter may be read some nanoseconds
 * before the instruction whose effect it dates; then a start can seem to come before the ready
 * that caused it.  So the earliest event is taken only if the state machines allow it.  If not, it
 * waits, and the earliest event that they do allow goes first, as far as WINDOW_NS ahead.  If
 * nothing there helps, the event is handed out as it is, marked wrong: that is a fault of the
 * recorded program's runtime, or a loss. This is exact while clocks differ by less than one turn
 * of a goroutine, from a start to its next start elsewhere: then no two events of the same kind
 * can be taken for each other.
 *
 * Memory: one chunk of each stream that has begun and not ended, the live goroutines, the
 * definitions. */
#include "reader_impl.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_NS 1000000 /* clocks do not disagree by more */

/* ---- the next event of one stream ---- */

static void drop_buf(struct stream *s)
{
    free(s->buf);
    s->buf = NULL;
    s->buf_cap = 0;
}

/* Tells if chunks are missing before chunk i of s, with events from ns on. */
static void check_sequence(struct tr_reader *r, const struct stream *s, size_t i, int64_t ns)
{
    const struct chunk_ref *c = &s->chunks[i];
    if (c->seq == (i ? c[-1].seq + 1 : 0))
        return;
    uint64_t at = (uint64_t)c->index * r->file.chunk_size;
    tr_problem(r, at, ns, "damaged: a chunk of thread M%u is lost before offset %llu", s->m,
               (unsigned long long)at);
}

static bool next_chunk(struct tr_reader *r, struct stream *s)
{
    size_t i = s->next_chunk;
    if (i == s->chunk_count) {
        drop_buf(s);
        return false;
    }
    if (i > 0)
        check_sequence(r, s, i, tr_ticks_to_ns(r, s->dec.ticks));
    if (!tr_chunk_load(r, s, i))
        s->dec.at = s->dec.end = NULL;
    s->next_chunk++;
    return true;
}

static void chunk_is_damaged(struct tr_reader *r, struct stream *s, const uint8_t *at)
{
    uint64_t offset = s->buf_offset + (uint64_t)(at - s->buf);
    int64_t ns = tr_ticks_to_ns(r, s->dec.ticks);
    if (s->cut)
        tr_incomplete(r, ns); /* the end of the file lies within this record */
    else
        tr_problem(r, offset, ns, "damaged at offset %llu: a record of thread M%u",
                   (unsigned long long)offset, s->m);
    s->dec.at = s->dec.end;
}

/* Decodes s's next event into s->head.  Returns false when there is none. */
static bool advance(struct tr_reader *r, struct stream *s)
{
    for (;;) {
        const uint8_t *at = s->dec.at;
        uint64_t ticks = s->dec.ticks;
        enum decoded got = tr_decode(r, &s->dec, &s->head);
        if (got != DECODED_END && s->dec.ticks > s->ticks_limit) {
            s->dec.ticks = ticks;
            got = DECODED_BAD;
        }
        switch (got) {
        case DECODED:
            s->head.m = s->m;
            s->head.tid = s->tid;
            s->head.offset = s->buf_offset + (uint64_t)(at - s->buf);
            s->head.time = tr_ticks_to_ns(r, s->dec.ticks);
            return s->has_head = true;
        case DECODED_SKIP:
            break;
        case DECODED_BAD:
            chunk_is_damaged(r, s, at);
            break;
        case DECODED_END:
            if (s->cut)
                tr_incomplete(r, tr_ticks_to_ns(r, ticks));
            if (!next_chunk(r, s))
                return s->has_head = false;
            break;
        }
    }
}

/* ---- the heap of streams, by the time of their next event ---- */

static void heap_put(struct tr_reader *r, size_t i, struct stream *s)
{
    r->heap[i] = s;
    s->heap_at = i;
}

static void heap_down(struct tr_reader *r, size_t i)
{
    struct stream *s = r->heap[i];
    for (size_t child; (child = 2 * i + 1) < r->heap_count; i = child) {
        if (child + 1 < r->heap_count && r->heap[child + 1]->head.time < r->heap[child]->head.time)
            child++;
        if (s->head.time <= r->heap[child]->head.time)
            break;
        heap_put(r, i, r->heap[child]);
    }
    heap_put(r, i, s);
}

/* s has taken its next event, or has no more. */
static void heap_update(struct tr_reader *r, struct stream *s)
{
    size_t i = s->heap_at;
    if (!s->has_head) {
        struct stream *last = r->heap[--r->heap_count];
        if (last == s)
            return;
        s = last;
        heap_put(r, i, s);
    }
    for (; i > 0 && s->head.time < r->heap[(i - 1) / 2]->head.time; i = (i - 1) / 2)
        heap_put(r, i, r->heap[(i - 1) / 2]);
    heap_put(r, i, s);
    heap_down(r, i);
}

/* All streams, none of them read yet: a program may have had thousands of threads, few at once. */
static void heap_fill(struct tr_reader *r)
{
    r->heap_count = 0;
    for (size_t i = 0; i < r->stream_count; i++) {
        struct stream *s = &r->streams[i];
        s->asleep = s->has_head = true;
        s->head.time = tr_ticks_to_ns(r, s->chunks[0].ticks);
        check_sequence(r, s, 0, 0);
        heap_put(r, r->heap_count++, s);
    }
    for (size_t i = r->heap_count / 2; i-- > 0;)
        heap_down(r, i);
}

/* Reads the first event of a stream, which by its time may be next. */
static void wake(struct tr_reader *r, struct stream *s)
{
    s->asleep = false;
    (void)advance(r, s);
    heap_update(r, s);
}

/* Wakes those that may have an event up to limit. */
static void wake_all(struct tr_reader *r, int64_t limit)
{
    for (size_t i = 1; i < r->heap_count;)
        if (r->heap[i]->asleep && r->heap[i]->head.time <= limit) {
            wake(r, r->heap[i]);
            i = 1; /* another one stands there now */
        } else {
            i++;
        }
}

/* ---- the merge ---- */

/* The earliest event that may come before `waiting`, the earliest of all, which may not come
 * yet. */
static struct stream *instead_of(struct tr_reader *r, const struct stream *waiting)
{
    struct stream *best = NULL;
    int64_t limit = waiting->head.time + WINDOW_NS;
    wake_all(r, limit);
    for (size_t i = 1; i < r->heap_count; i++) {
        struct stream *s = r->heap[i];
        if (s->head.time <= limit && (!best || s->head.time < best->head.time) &&
            tr_state_allows(r, s, &s->head, false))
            best = s;
    }
    return best;
}

bool tr_reader_next(struct tr_reader *r, struct tr_event *ret)
{
    tr_state_next(r);
    while (r->heap_count > 0 && r->heap[0]->asleep)
        wake(r, r->heap[0]);
    if (r->heap_count == 0)
        return false;
    struct stream *s = r->heap[0];
    bool wrong = false;
    if (!tr_state_allows(r, s, &s->head, false)) {
        struct stream *other = instead_of(r, s);
        wrong = !other;
        s = other ? other : s;
    }
    struct tr_event *e = &s->head;
    e->wrong = NULL;
    if (wrong && e->time < r->info.complete_until && !tr_state_allows(r, s, e, true))
        e->wrong = r->wrong;
    if (e->time < r->time) {
        e->time = r->time;
        r->info.repaired++;
    }
    r->time = e->time;
    e->n = r->count++;
    tr_state_apply(r, s, e);
    *ret = *e;
    (void)advance(r, s);
    heap_update(r, s);
    return true;
}

void tr_reader_rewind(struct tr_reader *r)
{
    r->count = 0;
    r->time = 0;
    r->info.repaired = 0;
    for (size_t i = 0; i < r->stream_count; i++) {
        struct stream *s = &r->streams[i];
        s->next_chunk = 0;
        s->cut = s->has_head = false;
        memset(&s->dec, 0, sizeof(s->dec));
    }
    tr_state_reset(r);
    heap_fill(r);
}

/* ---- open and close ---- */

/* The last event of all, from the last chunk of each stream. */
static void find_end(struct tr_reader *r)
{
    for (size_t i = 0; i < r->stream_count; i++) {
        struct stream *s = &r->streams[i];
        struct tr_event e;
        if (!tr_chunk_load(r, s, s->chunk_count - 1))
            continue;
        enum decoded got;
        do
            got = tr_decode(r, &s->dec, &e);
        while (got == DECODED || got == DECODED_SKIP);
        drop_buf(s);
        int64_t ns = s->dec.ticks <= s->ticks_limit ? tr_ticks_to_ns(r, s->dec.ticks) : 0;
        if (ns > r->info.end_ns)
            r->info.end_ns = ns;
    }
}

static int open_all(struct tr_reader *r, char *err)
{
    int e = tr_chunks_open(r, err);
    if (e)
        return e;
    r->names = tr_names_make();
    r->heap = calloc(r->stream_count + 1, sizeof(*r->heap));
    e = r->names && r->heap ? tr_dict_read(r) : -ENOMEM;
    if (!e)
        e = tr_state_init(r);
    if (e) {
        snprintf(err, TR_ERR_MAX, "%s: %s", r->path, strerror(-e));
        return e;
    }
    find_end(r);
    tr_reader_rewind(r);
    return 0;
}

static int open_reader(const char *name, int fd, const void *mem, uint64_t size,
                       struct tr_reader **ret, char *err)
{
    struct tr_reader *r = calloc(1, sizeof(*r));
    if (!r || !(r->path = strdup(name))) {
        free(r);
        if (fd >= 0)
            (void)close(fd);
        snprintf(err, TR_ERR_MAX, "%s: %s", name, strerror(ENOMEM));
        return -ENOMEM;
    }
    r->fd = fd;
    r->mem = mem;
    r->size = size;
    int e = open_all(r, err);
    if (e)
        tr_reader_close(r);
    else
        *ret = r;
    return e;
}

int tr_reader_open(const char *path, struct tr_reader **ret, char err[TR_ERR_MAX])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = fd < 0 ? errno : 0;
    if (!e && fstat(fd, &st) != 0)
        e = errno;
    if (!e && !S_ISREG(st.st_mode))
        e = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
    if (e) {
        snprintf(err, TR_ERR_MAX, "%s: %s", path, e == ESPIPE ? "not a regular file" : strerror(e));
        if (fd >= 0)
            (void)close(fd);
        return -e;
    }
    return open_reader(path, fd, NULL, (uint64_t)st.st_size, ret, err);
}

int tr_reader_open_mem(const void *p, size_t size, struct tr_reader **ret, char err[TR_ERR_MAX])
{
    return open_reader("(memory)", -1, p, size, ret, err);
}

void tr_reader_close(struct tr_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->stream_count; i++) {
        free(r->streams[i].chunks);
        free(r->streams[i].buf);
    }
    free(r->streams);
    free(r->staged);
    free(r->staged_index.slots);
    free(r->dict.chunks);
    free(r->dict.buf);
    tr_dict_free(r);
    tr_state_free(r);
    tr_names_free(r->names);
    free(r->heap);
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r->path);
    free(r);
}

/* ---- about the whole ---- */

const struct tr_info *tr_reader_info(const struct tr_reader *r)
{
    return &r->info;
}

void tr_reader_verdict(const struct tr_reader *r, char *buf, size_t cap)
{
    const struct tr_info *i = &r->info;
    double end = (double)i->end_ns / 1e9;
    int n = 0;
    switch (i->end) {
    case TR_END_STOPPED:
        if (i->taken)
            n = snprintf(buf, cap, "the last %.6f s before: %s", end, i->taken);
        else
            n = snprintf(buf, cap, "recorded to its end at %.6f s", end);
        break;
    case TR_END_KILLED:
        n = snprintf(buf, cap, "ended by a kill or a crash at %.6f s", end);
        break;
    case TR_END_LIMIT:
        n = snprintf(buf, cap, "ended at %.6f s by the size limit; what followed was not recorded",
                     end);
        break;
    case TR_END_FULL:
        n = snprintf(buf, cap, "ended at %.6f s (%s); what followed was not recorded", end,
                     strerror(i->end_errno));
        break;
    case TR_END_RUNNING:
        n = snprintf(buf, cap, "still being recorded, read up to %.6f s", end);
        break;
    }
    if (n < 0 || (size_t)n >= cap)
        return;
    bool ended_early = i->end == TR_END_LIMIT || i->end == TR_END_FULL;
    if (!i->problem)
        snprintf(buf + n, cap - (size_t)n, "%s", ended_early ? "" : "; nothing lost");
    else if (i->complete_until == INT64_MAX)
        snprintf(buf + n, cap - (size_t)n, "; %s", i->problem);
    else
        snprintf(buf + n, cap - (size_t)n, "; %s: whole up to %.6f s, in part from there",
                 i->problem, (double)i->complete_until / 1e9);
}
