/* recorder.c - the life of a recording: its start, its streams, its end.
 *
 * chunks.c has the file and its chunks, writer.c what goes into them.
 *
 * A stream's chunk is unmapped by its own thread only.  tr_stop() does not touch it: a thread that
 * is just writing a record finishes it, harmlessly, into a mapping that is still valid.  Each
 * stream finds out by its generation number that its chunk belongs to an old recording.
 *
 * rec.lock guards all of `rec` and is taken once per chunk.  tr_on is written under it. */
#include "record.h"
#include "walks.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "print.h"
#include "vmem.h"

#define NSEC         1000000000ll
#define TICK_NS_MAX  2 /* the coarsest time unit: far below the cost of reading the counter */
#define CALIBRATE_NS 200000

uint32_t tr_on;

struct tr_recording tr_rec = {.fd = -1};
#define rec tr_rec

static struct {
    struct rt_lock lock;
    struct tr_stream stream;
} shared = {.stream = {.shared = true, .m = UINT32_MAX, .cur_p = -1}};

struct tr_clock tr_clock_pair(void)
{
    struct tr_clock best = {0, 0};
    uint64_t best_width = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        uint64_t a = clock_ticks();
        int64_t mono = clock_nanos();
        uint64_t b = clock_ticks();
        if (b - a < best_width) {
            best_width = b - a;
            best = (struct tr_clock){a + (b - a) / 2, mono};
        }
    }
    return best;
}

/* Counts per second of the counter, good to some 100 ppm; the clocks of the chunks and of the end
 * refine it. */
static uint64_t measure_hz(void)
{
    struct tr_clock a = tr_clock_pair();
    while (clock_nanos() - a.mono < CALIBRATE_NS)
        at_pause();
    struct tr_clock b = tr_clock_pair();
    return (uint64_t)((double)(b.ticks - a.ticks) * 1e9 / (double)(b.mono - a.mono));
}

/* ---- the end ---- */

void tr_recording_end(uint32_t how, int err)
{
    at_store_rlx(&tr_on, 0u); /* relaxed: hooks may be late, streams look again under rec.lock */
    if (rec.flight) {
        rec.flight = false;
        tr_ring_off();
        return;
    }
    rec.file->end_errno = (uint32_t)err;
    struct tr_clock now = tr_clock_pair();
    rec.file->end_ticks = now.ticks >> rec.shift;
    rec.file->end_mono = now.mono;
    /* [commit] the end is told when what describes it is there */
    at_store_rel(&rec.file->end, how);
    if (tr_file_is_ours()) {
        if (ftruncate(rec.fd, (off_t)(rec.next * TR_CHUNK_SIZE)) != 0)
            rec.allocated = 0; /* then some zeros stay at the end, which readers pass over */
        (void)close(rec.fd);   /* also gives up the lock that says "running" */
    }
    rec.fd = -1;
}

static const char *error_text(int err)
{
#if defined(__GLIBC__)
    return strerrordesc_np(err); /* takes no lock and no memory */
#else
    return strerror(err);
#endif
}

void tr_recording_end_early(int err)
{
    uint64_t bytes = rec.next * TR_CHUNK_SIZE;
    bool limit = err == -TR_ELIMIT;
    tr_recording_end(limit ? TR_FILE_LIMIT : TR_FILE_FULL, limit ? 0 : -err);
    rt_printf(
        2,
        "goshawk: trace %s: %s; recording ended after %llu bytes, later events are not recorded\n",
        rec.path, limit ? "size limit reached" : error_text(-err), (unsigned long long)bytes);
}

/* ---- streams ---- */

/* Requires: rec.lock. */
static void drop_chunk(struct tr_stream *s)
{
    if (s->chunk && s->forks != rec.forks)
        s->ring ? (void)0
                : (void)munmap(s->chunk, TR_CHUNK_SIZE); /* the ring has gone in_child() */
    else if (s->chunk && s->ring)
        tr_ring_done(s->chunk);
    else if (s->chunk)
        tr_chunk_finish(s->chunk);
    s->chunk = NULL;
    s->pos = s->limit = NULL;
}

/* A first or next chunk for s.  Requires: rec.lock. */
static bool refill(struct tr_stream *s)
{
    /* relaxed: written under rec.lock, which is held */
    uint32_t gen = at_load_rlx(&tr_on);
    if (s->gen != gen && s->session != rec.session) {
        s->session = rec.session;
        s->seq = 0;
        s->cur_g = 0;
        s->cur_p = -1;
        s->shift = rec.shift;
        s->stacks = at_load_rlx(&rec.stack_max) > 0; /* relaxed: a setting */
        s->id = ++rec.streams;
    }
    if (s->gen != gen) {
        drop_chunk(s);
        s->gen = gen;
    }
    struct tr_chunk_header *old = s->chunk, *c = gen ? tr_chunk_next(s) : NULL;
    if (!c)
        return false;
    if (c != old)
        drop_chunk(s);
    s->staging = old && !rec.flight; /* from its second chunk on */
    s->seq++;
    s->forks = rec.forks;
    s->ring = rec.flight;
    s->chunk = c;
    s->pos = (uint8_t *)(c + 1);
    s->limit = (uint8_t *)c + (s->ring ? TR_RING_CHUNK : TR_CHUNK_SIZE) - TR_RECORD_MAX;
    s->last = c->ticks;
    s->last_g = 0;
    memset(s->keys, 0xff, sizeof(s->keys)); /* no key: user addresses have a clear top */
    return true;
}

struct tr_stream *tr_enter_slow(struct tr_stream *s)
{
    if (!s) {
        rt_lock(&shared.lock);
        s = &shared.stream;
        /* relaxed: as in writer.c's enter() */
        if (s->gen == at_load_rlx(&tr_on) && s->pos < s->limit)
            return s;
    }
    rt_lock(&rec.lock);
    bool ok = refill(s);
    rt_unlock(&rec.lock);
    if (!ok && s->shared)
        tr_leave_shared();
    return ok ? s : NULL;
}

void tr_leave_shared(void)
{
    rt_unlock(&shared.lock);
}

struct tr_stream *tr_stream_open(uint32_t m, uint32_t tid)
{
    struct tr_stream *s = vm_reserve(sizeof(*s));
    if (!s)
        return NULL;
    s->m = m;
    s->tid = tid;
    s->cur_p = -1;
    s->walks = tr_walks_new();
    rt_lock(&rec.lock);
    rec.streams_open++;
    rt_unlock(&rec.lock);
    if (at_load_rlx(&tr_on)) /* relaxed: a start just now takes or leaves this event */
        tr_note_m(s, true);
    return s;
}

void tr_stream_close(struct tr_stream *s)
{
    if (!s)
        return;
    if (at_load_rlx(&tr_on)) /* relaxed: likewise */
        tr_note_m(s, false);
    rt_lock(&rec.lock);
    drop_chunk(s);
    rec.streams_open--;
    rt_unlock(&rec.lock);
    tr_walks_free(s->walks);
    vm_release(s, sizeof(*s));
}

/* ---- start and stop ---- */

int tr_path_expand(const char *path, char *out, size_t cap)
{
    struct text t;
    text_init(&t, out, cap);
    for (; *path; path++) {
        if (path[0] == '%' && path[1] == 'p')
            text_printf(&t, "%d", (int)getpid());
        else
            text_printf(&t, "%c", *path);
        if (path[0] == '%' && (path[1] == 'p' || path[1] == '%'))
            path++;
    }
    if (t.len == 0)
        return -ENOENT;
    return t.len + 1 < cap ? 0 : -ENAMETOOLONG;
}

int tr_file_create(const char *path, struct stat *ret_st)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY;
    if (stat(path, ret_st) == 0) {
        if (!S_ISREG(ret_st->st_mode))
            return S_ISDIR(ret_st->st_mode) ? -EISDIR : -EINVAL;
        if (access(path, W_OK) != 0)
            return -errno;
        if (unlink(path) != 0 && errno != EACCES && errno != EPERM && errno != EROFS)
            return -errno;
    }
    int fd = open(path, flags, 0666);
    if (fd < 0)
        return -errno;
    if (fstat(fd, ret_st) != 0 || !S_ISREG(ret_st->st_mode) || ftruncate(fd, 0) != 0) {
        int err = errno ? errno : EINVAL;
        (void)close(fd);
        return -err;
    }
    return fd;
}

/* "64M" to bytes.  Returns false for something else. */
static bool parse_size(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (end == text || *text == '-' || errno || end[shift ? 1 : 0] || v > UINT64_MAX >> shift)
        return false;
    *ret = (uint64_t)v << shift;
    return true;
}

static int read_limit(void)
{
    const char *text = getenv("GOSHAWK_TRACE_LIMIT");
    rec.limit = UINT64_MAX;
    if (!text || !*text || parse_size(text, &rec.limit))
        return 0;
    rt_printf(2, "goshawk: GOSHAWK_TRACE_LIMIT=%s is not a size: write it as 500K, 64M or 2G\n",
              text);
    return -EINVAL;
}

static void in_child(void)
{
    at_store_rlx(&tr_on, 0u); /* relaxed: the child has one thread */
    if (rec.fd >= 0 && tr_file_is_ours())
        (void)close(rec.fd);
    rec.fd = -1;
    rec.file = NULL;
    rec.forks++;
    rec.control.word = rec.lock.word = shared.lock.word = 0;
    tr_flight_fork();
    shared.stream.pos = shared.stream.limit = NULL; /* its chunk is the parent's */
    shared.stream.gen = 0;
    tr_dict_fork();
}

/* How many frames of a stack are kept. */
static uint32_t read_stacks(void)
{
    const char *text = getenv("GOSHAWK_TRACE_STACKS");
    char *end;
    if (!text || !*text)
        return TR_STACK_MAX;
    unsigned long n = strtoul(text, &end, 10);
    if (*end == 0 && *text >= '0' && *text <= '9')
        return n < TR_STACK_MAX ? (uint32_t)n : TR_STACK_MAX;
    rt_printf(2, "goshawk: GOSHAWK_TRACE_STACKS=%s is not a number of frames; ignored\n", text);
    return TR_STACK_MAX;
}

/* Puts file header and the dictionary's chunk header behind it into chunk 0 of a new recording.
 * Requires: rec.lock. */
void tr_recording_begin(struct tr_file_header *f)
{
    uint64_t hz = measure_hz();
    rec.shift = 0;
    while (hz >> (rec.shift + 1) >= NSEC / TICK_NS_MAX)
        rec.shift++;
    struct tr_clock now = tr_clock_pair();
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    struct tr_file_header h = {
        .version = TR_VERSION,
        .header_size = sizeof(h),
        .chunk_size = TR_CHUNK_SIZE,
        .flags = rec.streams_open == 0 ? TR_FILE_FROM_START : 0,
        .pid = (uint32_t)getpid(),
        .tick_shift = rec.shift,
        .start_ticks = now.ticks >> rec.shift,
        .start_mono = now.mono,
        .start_wall = wall.tv_sec * NSEC + wall.tv_nsec,
        .tick_hz = hz >> rec.shift,
        .chunks = 1,
    };
    uint64_t magic;
    memcpy(&magic, TR_MAGIC, TR_MAGIC_LEN);
    h.sum = tr_header_sum(&h);
    *f = h;
    rec.file = f;
    rec.next = 1;
    rec.streams = 0;
    at_store_rlx(&rec.stack_max, read_stacks()); /* relaxed: a setting */
    rec.session++;
    if (++rec.gen == 0)
        rec.gen = 1;
    tr_chunk_begin((struct tr_chunk_header *)(f + 1), 0, TR_DICTIONARY, 0, NULL);
    at_store_rel((uint64_t *)f->magic, magic); /* [commit] from here on the file is a trace */
    if (!rec.atfork)
        rec.atfork = pthread_atfork(NULL, NULL, in_child) == 0;
}

int tr_recording_announce(struct tr_file_header *old)
{
    uint32_t gen = rec.gen;
    struct tr_chunk_header *first = (struct tr_chunk_header *)(rec.file + 1);
    bool ok = tr_dict_begin(gen, first, TR_CHUNK_SIZE - sizeof(*rec.file));
    if (old)
        (void)munmap(old, TR_CHUNK_SIZE);
    rt_lock(&rec.lock);
    bool running = rec.fd >= 0 || rec.flight; /* a full disk may have ended it already */
    if (ok && running)
        at_store_rel(&tr_on, gen); /* [looked-up] its dictionary has begun */
    else if (running)
        tr_recording_end(TR_FILE_FULL, ENOMEM);
    rt_unlock(&rec.lock);
    return ok && running ? 0 : -ENOMEM;
}

static int begin_file(void)
{
    int err = tr_file_grow(TR_CHUNK_SIZE);
    if (err)
        return err == -TR_ELIMIT ? -EFBIG : err;
    void *p = mmap(NULL, TR_CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, rec.fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    tr_recording_begin(p);
    return 0;
}

/* Everything but the announcement.  Requires: rec.lock. */
static int prepare(const char *path)
{
    int err = rec.fd >= 0 ? -EBUSY : read_limit();
    if (!err)
        err = tr_path_expand(path, rec.path, sizeof(rec.path));
    if (err)
        return err;
    struct stat st;
    int fd = tr_file_create(rec.path, &st);
    if (fd < 0)
        return fd;
    if (rec.flight) /* until tr_stop() */
        tr_recording_end(TR_FILE_STOPPED, 0);
    (void)flock(fd, LOCK_EX | LOCK_NB); /* readers see "running"; it does not matter if it fails */
    rec.dev = st.st_dev;
    rec.ino = st.st_ino;
    rec.fd = fd;
    rec.allocated = 0;
    err = begin_file();
    if (err) {
        (void)close(fd);
        rec.fd = -1;
        (void)unlink(rec.path);
    }
    return err;
}

/* A goroutine that lived before.  One that runs is known by its next event, or tr_go_here(). */
static void tell(void *arg, const struct tr_alive *a)
{
    (void)arg;
    if (a->state == TR_STATE_RUNNING)
        return;
    tr_go_state(NULL, a->g, a->state, a->why, a->obj, a->fn);
    if (a->name[0])
        tr_go_name(NULL, a->g, a->name);
}

/* Whoever changes while he is being told has an event of his own, which counts more. */
static void tell_all(void)
{
    const struct tr_host *host = tr_host();
    if (!host || rec.file->flags & TR_FILE_FROM_START)
        return;
    tr_procs(NULL, host->procs());
    host->each(tell, NULL);
}

int tr_start(const char *path)
{
    rt_lock(&rec.control);
    rt_lock(&rec.lock);
    struct tr_file_header *old = rec.fd < 0 ? rec.file : NULL;
    int err = prepare(path);
    rt_unlock(&rec.lock);
    if (!err)
        err = tr_recording_announce(old);
    if (err)
        tr_flight_resume();
    else
        tell_all();
    rt_unlock(&rec.control);
    return err;
}

void tr_stop(void)
{
    rt_lock(&rec.control);
    rt_lock(&rec.lock);
    if (rec.fd >= 0)
        tr_recording_end(TR_FILE_STOPPED, 0);
    rt_unlock(&rec.lock);
    tr_flight_resume();
    rt_unlock(&rec.control);
}
