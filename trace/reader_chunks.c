/* reader_chunks.c - the file as a row of chunks: header, index, clock, and what is cut or damaged.
 *
 * Opening reads the file header and the 64 bytes at the head of each chunk, of the chunks
 * themselves only the dictionary's and each stream's last one, so it is quick at any size.  Nothing
 * is mapped: a file that shrinks while it is read gives short reads, not a signal.
 *
 * What is whole.  Chunks are handed out in order of time.  So if the file is cut at chunk k,
 * everything before the time at which the last chunk before k was begun is there in all streams;
 * later events are there only in part.  complete_until says up to where; from then on the state
 * machines are not held against the events.  A damaged chunk has the same effect from the time of
 * its loss.
 *
 * Staging.  A chunk whose place is another one's number has the bytes of that one, which come there
 * when they are complete: until then what stands there does not count.  A staging chunk lies before
 * the chunks that it stands for.
 *
 * Times.  The counter runs at a constant rate; the rate is taken from the longest distance
 * between two calibrations, the one at the start and the last one: of the end, or in a chunk
 * header. */
#include "reader_impl.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clock.h"

#define BASELINE_MIN_NS \
    10000000 /* two calibrations closer than this are worse than the header's rate */
#define CHUNKS_MAX       ((uint64_t)1 << 31)
#define RUNNING_SLACK_NS 100000 /* what two clocks may differ by at the start */
#define RATE_ERR_MAX     0.02   /* a rate that differs more from the header's is damage */

bool tr_room(void **p, size_t *cap, size_t n, size_t size)
{
    if (n < *cap)
        return true;
    size_t want = *cap ? *cap : 16;
    while (want <= n)
        want *= 2;
    void *q = realloc(*p, want * size);
    if (!q)
        return false;
    memset((char *)q + *cap * size, 0, (want - *cap) * size);
    *p = q;
    *cap = want;
    return true;
}

void tr_incomplete(struct tr_reader *r, int64_t ns)
{
    if (ns < r->info.complete_until)
        r->info.complete_until = ns;
}

void tr_problem(struct tr_reader *r, uint64_t offset, int64_t ns, const char *fmt, ...)
{
    tr_incomplete(r, ns);
    r->info.damaged |= offset < r->size; /* else: the end is missing */
    if (r->problems++ > 0)
        return; /* the first one is told; the others mostly follow from it */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->problem, sizeof(r->problem), fmt, ap);
    va_end(ap);
    r->info.problem = r->problem;
    r->info.problem_offset = offset;
}

int64_t tr_ticks_to_ns(const struct tr_reader *r, uint64_t ticks)
{
    if (ticks <= r->file.start_ticks)
        return 0;
    unsigned __int128 ns = (unsigned __int128)(ticks - r->file.start_ticks) * r->ns_mult >> 32;
    return ns > TIME_NS_MAX ? TIME_NS_MAX : (int64_t)ns;
}

size_t tr_chunks_read(struct tr_reader *r, uint64_t offset, void *buf, size_t n)
{
    if (offset >= r->size)
        return 0;
    if (n > r->size - offset)
        n = (size_t)(r->size - offset);
    if (r->fd < 0) {
        memcpy(buf, r->mem + offset, n);
        return n;
    }
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(r->fd, (char *)buf + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

/* ---- the file header ---- */

static int refuse(char *err, const struct tr_reader *r, const char *why)
{
    snprintf(err, TR_ERR_MAX, "%s: %s", r->path, why);
    return -EBADMSG;
}

/* A program that runs makes the file longer before it says so: its size counts as it is after the
 * header was read. */
static void read_size(struct tr_reader *r)
{
    struct stat st;
    if (r->fd >= 0 && fstat(r->fd, &st) == 0)
        r->size = (uint64_t)st.st_size;
}

static int read_file_header(struct tr_reader *r, char *err)
{
    struct tr_file_header *f = &r->file;
    size_t got = tr_chunks_read(r, 0, f, sizeof(*f));
    read_size(r);
    if (r->size == 0)
        return refuse(err, r, "the file is empty");
    static const struct tr_file_header nothing; /* magic: of one that was not finished */
    if (got == sizeof(*f) && memcmp(f->magic, nothing.magic, TR_MAGIC_LEN) == 0 &&
        (f->version == TR_VERSION || memcmp(f, &nothing, sizeof(nothing)) == 0))
        return refuse(err, r, "the program ended before the recording had begun");
    size_t n = got < TR_MAGIC_LEN ? got : TR_MAGIC_LEN;
    if (memcmp(f->magic, TR_MAGIC, n) != 0 || (got < TR_MAGIC_LEN && n < 3))
        return refuse(err, r, "not a goshawk trace");
    if (got < sizeof(*f))
        return refuse(err, r, "the trace is cut within its header; nothing can be read");
    if (f->version != TR_VERSION) {
        snprintf(err, TR_ERR_MAX,
                 "%s: trace format version %u; this goshawk reads version %u: record it again, or "
                 "read it with the goshawk that recorded it",
                 r->path, f->version, TR_VERSION);
        return -EBADMSG;
    }
    if (f->sum != tr_header_sum(f))
        return refuse(err, r, "the header is damaged (checksum at offset 68)");
    bool sane = f->header_size == sizeof(*f) && f->chunk_size >= TR_CHUNK_MIN &&
                f->chunk_size <= TR_CHUNK_MAX && f->chunk_size % 8 == 0 && f->tick_hz != 0 &&
                f->tick_shift < 64;
    return sane ? 0 : refuse(err, r, "the header is damaged (impossible values)");
}

/* ---- staging chunks ---- */

static uint64_t chunk_offset(const struct tr_reader *r, uint64_t index)
{
    return index * r->file.chunk_size + (index == 0 ? r->file.header_size : 0);
}

static uint64_t hash_of(const void *owner, uint32_t n)
{
    return tr_index_hash(((const struct tr_reader *)owner)->staged[n].place);
}

static bool same_place(const void *owner, uint32_t n, const void *place)
{
    return ((const struct tr_reader *)owner)->staged[n].place == *(const uint32_t *)place;
}

static const struct tr_index_ops by_place = {hash_of, same_place};

/* The file is damaged.  Returns 0: what else there is can be read. */
static int claim_is_wrong(struct tr_reader *r, uint32_t index)
{
    uint64_t at = chunk_offset(r, index);
    tr_problem(r, at, 0, "damaged at offset %llu: a chunk that belongs elsewhere",
               (unsigned long long)at);
    return 0;
}

static int note_staging(struct tr_reader *r, uint32_t index, uint32_t place)
{
    uint32_t n = r->staged_index.count;
    if (!r->running && place >= r->file.chunks)
        return claim_is_wrong(r, index);
    if (tr_index_find(&r->staged_index, &by_place, r, tr_index_hash(place), &place) !=
        TR_INDEX_NONE)
        return claim_is_wrong(r, index);
    if (!tr_room((void **)&r->staged, &r->staged_cap, n, sizeof(*r->staged)))
        return -ENOMEM;
    r->staged[n] = (struct staged){place, index};
    return tr_index_add(&r->staged_index, &by_place, r, n, tr_index_hash(place)) ? 0 : -ENOMEM;
}

/* Where chunk `place` is: its staging chunk, if that stands for it still (a program that runs may
 * have gone on). */
static bool find_header(struct tr_reader *r, uint32_t place, struct tr_chunk_header *h,
                        uint32_t *ret_index)
{
    uint32_t n = tr_index_find(&r->staged_index, &by_place, r, tr_index_hash(place), &place);
    if (n != TR_INDEX_NONE) {
        *ret_index = r->staged[n].index;
        if (tr_chunks_read(r, chunk_offset(r, *ret_index), h, sizeof(*h)) == sizeof(*h) &&
            h->place == place)
            return true;
    }
    *ret_index = place;
    return tr_chunks_read(r, chunk_offset(r, place), h, sizeof(*h)) == sizeof(*h);
}

/* The same, once more where a program that runs may have been writing it. */
static bool read_header(struct tr_reader *r, uint32_t place, struct tr_chunk_header *h,
                        uint32_t *ret_index)
{
    bool there = find_header(r, place, h, ret_index);
    for (int i = 0; i < 3 && there && r->running && h->header_sum != tr_chunk_header_sum(h); i++)
        there = find_header(r, place, h, ret_index);
    return there;
}

/* ---- the list of chunks ---- */

static struct stream *stream_of(struct tr_reader *r, const struct tr_chunk_header *h)
{
    if (h->stream == TR_DICTIONARY)
        return &r->dict;
    /* Streams appear in order of their numbers, so the last one with this number is found soon. */
    for (size_t i = r->stream_count; i-- > 0;)
        if (r->streams[i].id == h->stream)
            return &r->streams[i];
    if (!tr_room((void **)&r->streams, &r->stream_cap, r->stream_count, sizeof(*r->streams)))
        return NULL;
    struct stream *s = &r->streams[r->stream_count++];
    *s = (struct stream){.id = h->stream, .m = h->m, .tid = h->tid};
    return s;
}

/* Whether the header can be believed.  tr_problem() has been told if not. */
static bool chunk_is_good(struct tr_reader *r, const struct tr_chunk_header *h, uint64_t offset,
                          int64_t before)
{
    if (h->magic != TR_CHUNK_MAGIC)
        tr_problem(r, offset, before, "damaged at offset %llu: not a chunk",
                   (unsigned long long)offset);
    else if (h->header_sum != tr_chunk_header_sum(h))
        tr_problem(r, offset, before, "damaged at offset %llu: checksum of a chunk header",
                   (unsigned long long)offset);
    else if (h->place < offset / r->file.chunk_size)
        tr_problem(r, offset, before, "damaged at offset %llu: a chunk that belongs elsewhere",
                   (unsigned long long)offset);
    else
        return true;
    return false;
}

/* Preallocated space, or the one chunk that a killed program had taken but not begun: chunks are
 * begun one after the other, and the magic is stored last.  Or a staging chunk between two. */
static bool never_begun(const struct tr_reader *r, const struct tr_chunk_header *h, uint64_t i)
{
    const struct tr_file_header *f = &r->file;
    bool open = f->end == TR_FILE_OPEN;
    if (h->magic == TR_CHUNK_MAGIC && h->place == 0 && i > 0)
        return open;
    return h->magic == 0 && (i >= f->chunks || (i + 1 == f->chunks && open));
}

static int list_chunk(struct tr_reader *r, uint32_t index, const struct tr_chunk_header *h)
{
    struct stream *s = stream_of(r, h);
    if (!s || !tr_room((void **)&s->chunks, &s->chunk_cap, s->chunk_count, sizeof(*s->chunks)))
        return -ENOMEM;
    s->chunks[s->chunk_count++] = (struct chunk_ref){index, h->seq, h->place, h->ticks};
    return 0;
}

/* Takes the rate from the header's calibration and this later one, if that is far enough away. */
static void calibrate(struct tr_reader *r, uint64_t ticks, int64_t mono)
{
    const struct tr_file_header *f = &r->file;
    double hz = (double)f->tick_hz;
    int64_t ns;
    if (!__builtin_sub_overflow(mono, f->start_mono, &ns) && ns >= BASELINE_MIN_NS &&
        ticks > f->start_ticks) {
        double seen = (double)(ticks - f->start_ticks) * 1e9 / (double)ns;
        if (seen > hz * (1 - RATE_ERR_MAX) && seen < hz * (1 + RATE_ERR_MAX))
            hz = seen;
    }
    r->ns_mult = (uint64_t)(1e9 / hz * 4294967296.0);
    r->info.tick_ns = 1e9 / hz;
}

/* A program that runs goes on handing out chunks: those after this reading of the header do not
 * count, or one could be missed and the next one be seen. */
static uint64_t count_of(const struct tr_reader *r)
{
    uint64_t there = (r->size + r->file.chunk_size - 1) / r->file.chunk_size;
    return r->running && r->file.chunks < there ? r->file.chunks : there;
}

static int list_chunks(struct tr_reader *r)
{
    const uint64_t size = r->file.chunk_size;
    uint64_t count = count_of(r), last_ticks = r->file.start_ticks;
    uint64_t cal_ticks = 0;
    int64_t cal_mono = 0;
    calibrate(r, 0, 0);
    for (uint64_t i = 0; i < count && i < CHUNKS_MAX; i++) {
        struct tr_chunk_header h;
        uint32_t index;
        if (r->size - chunk_offset(r, i) < sizeof(h) || !read_header(r, (uint32_t)i, &h, &index))
            break; /* cut within the header: what it would have said is lost */
        if (never_begun(r, &h, i))
            continue;
        if (!chunk_is_good(r, &h, chunk_offset(r, index), tr_ticks_to_ns(r, last_ticks)))
            continue;
        bool staging = h.place != i;
        int err = staging ? note_staging(r, index, h.place) : list_chunk(r, index, &h);
        if (err)
            return err;
        if (staging)
            continue; /* what it says counts at its place */
        r->chunks_present = i + 1;
        if (h.ticks > last_ticks)
            last_ticks = h.ticks;
        if (h.mono > cal_mono) {
            cal_mono = h.mono;
            cal_ticks = h.ticks;
        }
    }
    if (r->file.end != TR_FILE_OPEN && r->file.end_mono > cal_mono)
        calibrate(r, r->file.end_ticks, r->file.end_mono);
    else
        calibrate(r, cal_ticks, cal_mono);
    if (r->file.chunks < CHUNKS_MAX && r->file.chunks > r->size / size)
        tr_problem(r, r->size,
                   r->file.chunks > count || r->chunks_present < count
                       ? tr_ticks_to_ns(r, last_ticks)
                       : INT64_MAX,
                   "cut at offset %llu of %llu", (unsigned long long)r->size,
                   (unsigned long long)(r->file.chunks * size));
    return 0;
}

/* ---- one chunk ---- */

/* No record is later: a thread that was late may have written a little beyond the end. */
static uint64_t last_ticks(const struct tr_reader *r)
{
    const struct tr_file_header *f = &r->file;
    if (f->end == TR_FILE_OPEN || f->end_ticks > UINT64_MAX - f->tick_hz)
        return UINT64_MAX;
    return f->end_ticks + f->tick_hz;
}

/* Room for n bytes in s->buf. */
static bool buf_room(struct stream *s, size_t n)
{
    if (n <= s->buf_cap)
        return true;
    free(s->buf);
    s->buf = malloc(n);
    s->buf_cap = s->buf ? n : 0;
    return s->buf != NULL;
}

/* Where the records of the chunk end, by its header. */
static size_t chunk_end(struct tr_reader *r, const struct stream *s,
                        const struct tr_chunk_header *h, size_t head)
{
    size_t start = head + sizeof(*h), used = head + h->used;
    if (used >= start && used <= r->file.chunk_size)
        return used;
    uint64_t at = s->buf_offset + head + offsetof(struct tr_chunk_header, used);
    tr_problem(r, at, tr_ticks_to_ns(r, h->ticks), "damaged at offset %llu: length of a chunk",
               (unsigned long long)at);
    return used < start ? start : r->file.chunk_size;
}

/* Reads chunk index of the file into s->buf, as far as its header says, and the header to h.
 * Returns how many bytes there are; 0: no header. */
static size_t read_chunk(struct tr_reader *r, struct stream *s, uint32_t index,
                         struct tr_chunk_header *h)
{
    size_t head = index == 0 ? r->file.header_size : 0, max = r->file.chunk_size;
    s->buf_offset = (uint64_t)index * max;
    /* [commit] `used` first, then what it covers */
    if (tr_chunks_read(r, s->buf_offset + head, h, sizeof(*h)) < sizeof(*h))
        return 0;
    size_t n = h->used > max - head   ? max
               : h->used < sizeof(*h) ? head + sizeof(*h)
                                      : head + h->used;
    return buf_room(s, n) ? tr_chunks_read(r, s->buf_offset, s->buf, n) : 0;
}

/* Was c read from a staging chunk that stands for another one now? */
static bool has_moved(struct tr_reader *r, const struct chunk_ref *c)
{
    struct tr_chunk_header h;
    return c->index != c->place &&
           tr_chunks_read(r, chunk_offset(r, c->index), &h, sizeof(h)) == sizeof(h) &&
           h.place != c->place;
}

bool tr_chunk_load(struct tr_reader *r, struct stream *s, size_t i)
{
    struct chunk_ref *c = &s->chunks[i];
    struct tr_chunk_header h;
    size_t got = read_chunk(r, s, c->index, &h);
    if (has_moved(r, c)) {
        c->index = c->place;
        got = read_chunk(r, s, c->index, &h);
    }
    size_t head = c->index == 0 ? r->file.header_size : 0, start = head + sizeof(h);
    if (got < start)
        return false;
    size_t used = chunk_end(r, s, &h, head);
    s->cut = used > got;
    if (!s->cut && h.payload_sum && used == head + h.used &&
        h.payload_sum != tr_sum(s->buf + start, used - start))
        tr_problem(r, s->buf_offset, tr_ticks_to_ns(r, h.ticks),
                   "damaged in the chunk at offset %llu: checksum",
                   (unsigned long long)s->buf_offset);
    s->ticks_limit = i + 1 < s->chunk_count ? s->chunks[i + 1].ticks : last_ticks(r);
    tr_coding_begin(&s->dec, &h, s->buf + start, s->buf + (s->cut ? got : used));
    return true;
}

static void fill_info(struct tr_reader *r)
{
    const struct tr_file_header *f = &r->file;
    struct tr_info *i = &r->info;
    i->path = r->path;
    i->file_size = r->size;
    i->chunks = f->chunks;
    i->streams = r->stream_count;
    i->pid = f->pid;
    i->wall_start_ns = f->start_wall;
    i->from_start = f->flags & TR_FILE_FROM_START;
    i->end_errno = (int)f->end_errno;
    /* [commit] the end is told when what describes it is there */
    i->end = f->end == TR_FILE_STOPPED ? TR_END_STOPPED
             : f->end == TR_FILE_LIMIT ? TR_END_LIMIT
             : f->end == TR_FILE_FULL  ? TR_END_FULL
                                       : TR_END_KILLED;
    if (r->running)
        i->end = TR_END_RUNNING;
    if (i->end != TR_END_KILLED && i->end != TR_END_RUNNING)
        i->end_ns = tr_ticks_to_ns(r, f->end_ticks);
}

static bool is_running(const struct tr_reader *r)
{
    return r->fd >= 0 && r->file.end == TR_FILE_OPEN && flock(r->fd, LOCK_SH | LOCK_NB) != 0 &&
           errno == EWOULDBLOCK;
}

/* Streams are read one after the other while they are written: what was there when this began is
 * whole, what came since is there in part.  now: CLOCK_MONOTONIC then, which differs a little from
 * what the counter's rate will make of it. */
static void mark_begun(struct tr_reader *r, int64_t now)
{
    int64_t age;
    if (!__builtin_sub_overflow(now, r->file.start_mono, &age) && age > 0)
        tr_incomplete(r, age > RUNNING_SLACK_NS ? age - age / 1024 - RUNNING_SLACK_NS : 0);
}

int tr_chunks_open(struct tr_reader *r, char *err)
{
    int64_t now = clock_nanos();
    int e = read_file_header(r, err);
    if (e)
        return e;
    r->running = is_running(r);
    if (!r->running && r->file.end == TR_FILE_OPEN && r->fd >= 0)
        e = read_file_header(r, err); /* it may have ended just now */
    if (e)
        return e;
    r->info.complete_until = INT64_MAX;
    if (r->running)
        mark_begun(r, now);
    e = list_chunks(r);
    if (e)
        snprintf(err, TR_ERR_MAX, "%s: %s", r->path, strerror(-e));
    else
        fill_info(r);
    return e;
}
