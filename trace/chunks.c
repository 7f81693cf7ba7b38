/* chunks.c - the file of a recording: how it grows, and its chunks.
 *
 * What a stream writes is a shared mapping of the file, so that the kernel has every record the
 * moment it is stored: no crash and no SIGKILL can lose it.  A mapping has its price: to make
 * 64 KiB of a file writable so takes some 80 us, 5 ns an event, and to write(2) them takes 12.  So
 * a stream maps its first chunk and, if it fills that, a staging chunk, which it keeps: a full one
 * is written to its place in the file as a whole, and begins anew.  Until that is done it says
 * whose bytes it has (`place`), so they are in the file once at least at every moment.
 *
 * What could go wrong with such a mapping, and why it does not:
 *  - A page without a disk block behind it is a SIGBUS on a full disk.  So blocks are allocated
 *    before a chunk is mapped (fallocate, else zeros are written), some chunks ahead; when that
 *    fails the recording ends and the program goes on.
 *  - A file that shrinks under a mapping is a SIGBUS too.  A file of that name that exists is
 *    unlinked and replaced, not truncated: it may be a running recording.  At the end it is cut to
 *    whole chunks.
 *  - The descriptor's number may be closed by the program and come to name another file.  So it is
 *    compared with the file's identity before each use.
 *  - RLIMIT_FSIZE kills by signal: it is looked at before the file grows or is written to.
 *  - fork(): the child sees the parent's mappings.  Its tr_on becomes 0 before it runs anything.
 *
 *
 * Known: a file system that writes every page to a new place (btrfs, or after a copy by reflink)
 * may find its disk full when a page is written again; that is a SIGBUS still.
 *
 * All of it under rec.lock, once for each chunk. */
#include "record.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vmem.h"

#define GROW_MIN (4 * (uint64_t)TR_CHUNK_SIZE)
#define GROW_MAX ((uint64_t)4 << 20)
#define rec      tr_rec

/* ---- the file grows ---- */

bool tr_file_is_ours(void)
{
    struct stat st;
    return fstat(rec.fd, &st) == 0 && st.st_dev == rec.dev && st.st_ino == rec.ino;
}

/* As a system call: this must work where the program has its own pwrite(), and the detector's
 * interceptor would look at the buffer. */
int tr_write_at(int fd, const void *p, size_t n, uint64_t at)
{
    while (n > 0) {
        long got = syscall(SYS_pwrite64, fd, p, n, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -ENOSPC;
        p = (const char *)p + got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

/* Gives [from, to) blocks by writing, where the file system has no fallocate. */
static int write_zeros(int fd, uint64_t from, uint64_t to)
{
    static const char zeros[65536];
    int err = 0;
    for (; from < to && !err; from += sizeof(zeros))
        err = tr_write_at(fd, zeros, to - from < sizeof(zeros) ? to - from : sizeof(zeros), from);
    return err;
}

static bool size_allowed(uint64_t size)
{
    struct rlimit lim;
    return getrlimit(RLIMIT_FSIZE, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY ||
           size <= lim.rlim_cur;
}

static int allocate(int fd, uint64_t from, uint64_t to)
{
    if (!size_allowed(to))
        return -EFBIG;
    int err;
    do
        err = fallocate(fd, 0, (off_t)from, (off_t)(to - from)) == 0 ? 0 : -errno;
    while (err == -EINTR);
    if (err == -EOPNOTSUPP || err == -ENOSYS)
        err = write_zeros(fd, from, to);
    return err;
}

int tr_file_grow(uint64_t need)
{
    if (need <= rec.allocated)
        return 0;
    if (need > rec.limit)
        return -TR_ELIMIT;
    if (!tr_file_is_ours())
        return -EBADF;
    uint64_t step = rec.allocated / 4;
    step = step < GROW_MIN ? GROW_MIN : step > GROW_MAX ? GROW_MAX : step;
    uint64_t want = (rec.allocated + step) / TR_CHUNK_SIZE * TR_CHUNK_SIZE;
    want = want < need ? need : want > rec.limit ? need : want;
    int err = allocate(rec.fd, rec.allocated, want);
    if (err && want > need) {
        want = need;
        err = allocate(rec.fd, rec.allocated, want);
    }
    if (!err)
        rec.allocated = want;
    return err;
}

/* ---- chunks ---- */

/* The header of the chunk that will be number place: all but what makes it one, which is told
 * last. */
static void fill_header(struct tr_chunk_header *c, uint64_t place, uint32_t stream, uint32_t seq,
                        const struct tr_stream *s)
{
    struct tr_clock now = tr_clock_pair();
    struct tr_chunk_header h = {
        .magic = c->magic,
        .used = sizeof(h),
        .stream = stream,
        .seq = seq,
        .ticks = now.ticks >> rec.shift,
        .mono = now.mono,
        .cur_g = s ? s->cur_g : 0,
        .cur_p = s ? s->cur_p : -1,
        .m = s ? s->m : 0,
        .tid = s ? s->tid : 0,
        .place = (uint32_t)place,
    };
    h.header_sum = tr_chunk_header_sum(&h);
    h.place = c->place;
    *c = h;
}

void tr_chunk_begin(struct tr_chunk_header *c, uint64_t place, uint32_t stream, uint32_t seq,
                    const struct tr_stream *s)
{
    c->place = (uint32_t)place;
    fill_header(c, place, stream, seq, s);
    at_store_rel(&c->magic, TR_CHUNK_MAGIC); /* [commit] a chunk begins with its header complete */
}

/* The file has one chunk more.  Returns its number. */
static uint64_t hand_out(void)
{
    at_store_rel(&rec.file->chunks, ++rec.next); /* [commit] the file has so many */
    return rec.next - 1;
}

/* The next chunk of the file, mapped but not handed out.  Returns 0 or -errno. */
static int map_next(struct tr_chunk_header **ret)
{
    uint64_t at = rec.next * TR_CHUNK_SIZE;
    int err = tr_file_grow(at + TR_CHUNK_SIZE);
    if (!err && !tr_file_is_ours())
        err = -EBADF;
    if (err)
        return err;
    *ret = mmap(NULL, TR_CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rec.fd, (off_t)at);
    return *ret == MAP_FAILED ? -errno : 0;
}

struct tr_chunk_header *tr_chunk_take(uint32_t stream, uint32_t seq, const struct tr_stream *s)
{
    struct tr_chunk_header *c = NULL;
    if (rec.flight) {
        c = tr_ring_take();
        if (c)
            tr_chunk_begin(c, 0, stream, seq, s);
        return c;
    }
    int err = map_next(&c);
    if (err) {
        tr_recording_end_early(err);
        return NULL;
    }
    tr_chunk_begin(c, hand_out(), stream, seq, s);
    return c;
}

/* ---- staging chunks ---- */

/* Stands for the next chunk of the file, which has room.  Until it says so it stands for none. */
static void stage(struct tr_chunk_header *c, struct tr_stream *s)
{
    at_store_rlx(&c->place, 0u); /* relaxed: ordered by the fence */
    at_fence_rel();              /* [commit] who reads a header of both sees that it has no place */
    uint64_t place = hand_out();
    fill_header(c, place, s->id, s->seq, s);
    at_store_rel(&c->place, (uint32_t)place); /* [commit] its header is complete */
}

/* A staging chunk for s.  Returns 0 or -errno. */
static int take_staging(struct tr_stream *s, struct tr_chunk_header **ret)
{
    /* both, or none */
    int err = tr_file_grow((rec.next + 2) * TR_CHUNK_SIZE);
    if (!err)
        err = map_next(ret);
    if (err)
        return err;
    at_store_rel(&(*ret)->magic, TR_CHUNK_MAGIC); /* [commit] of no place yet */
    hand_out();
    stage(*ret, s);
    return 0;
}

/* Copies a full staging chunk to its place.  Returns 0 or -errno; then its bytes are still its
 * own. */
static int write_out(struct tr_chunk_header *c)
{
    uint64_t at = (uint64_t)c->place * TR_CHUNK_SIZE;
    if (!tr_file_is_ours())
        return -EBADF;
    if (!size_allowed(at + TR_CHUNK_SIZE))
        return -EFBIG;
    c->payload_sum = tr_sum(c + 1, c->used - sizeof(*c));
    memset((char *)c + c->used, 0, TR_CHUNK_SIZE - c->used);
    return tr_write_at(rec.fd, c, TR_CHUNK_SIZE, at);
}

struct tr_chunk_header *tr_chunk_next(struct tr_stream *s)
{
    if (!s->chunk || s->ring)
        return tr_chunk_take(s->id, s->seq, s);
    struct tr_chunk_header *c = s->chunk;
    int err;
    if (s->staging) {
        err = tr_file_grow((rec.next + 1) * TR_CHUNK_SIZE);
        err = err ? err : write_out(c);
        if (!err)
            stage(c, s);
    } else {
        err = take_staging(s, &c);
    }
    if (!err)
        return c;
    tr_recording_end_early(err);
    return NULL;
}

struct tr_chunk_header *tr_chunk_take_dict(uint32_t gen, uint32_t seq)
{
    rt_lock(&rec.lock);
    struct tr_chunk_header *c = NULL;
    if (rec.fd >= 0 && rec.gen == gen) /* a flight's dictionary has one chunk and no more */
        c = tr_chunk_take(TR_DICTIONARY, seq, NULL);
    rt_unlock(&rec.lock);
    return c;
}

void tr_chunk_finish(struct tr_chunk_header *c)
{
    c->payload_sum = tr_sum(c + 1, c->used - sizeof(*c));
    if (((uintptr_t)c & (VM_PAGE - 1)) == 0) /* chunk 0 stays: it has the file header */
        (void)munmap(c, TR_CHUNK_SIZE);
}
