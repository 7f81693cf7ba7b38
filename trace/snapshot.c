/* snapshot.c - a window of the flight recorder as a file that is a trace like any other.
 *
 *     chunk 0 ..      header, dictionary: what the recorder has of it, then the stacks and strings
 *                     that the window uses, with new numbers, without gaps
 *     then            one stream of its own: the states of all goroutines that do not run, names
 *     then            the chunks of the ring in their order, each record written anew: what lies
 *                     before the window is gone, and each stream begins with what it held and ran
 *
 * Records are written anew, and not copied, because a chunk's coding refers to its beginning, and
 * numbers of stacks may come from two turns of the tables.  Chunks are a little larger than the
 * ring's, so that what comes in front has room. */
#include "window.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vmem.h"

enum { OUT_CHUNK = TR_CHUNK_SIZE + VM_PAGE, DEF_HEAD_MAX = 1 + 10, STATES = 1 };

struct out {
    struct tr_view *v;
    int fd, err;
    uint64_t index; /* of the chunk in buf */
    uint8_t *buf;
    struct tr_chunk_header *head; /* in buf; NULL: no chunk is open */
    uint8_t *p;
    struct decoder coding;
    uint32_t dict_seq, states_seq, lanes, named[NAMED_KINDS];
};

/* ---- chunks ---- */

static void write_at(struct out *o, const void *p, size_t n, uint64_t at)
{
    if (!o->err)
        o->err = tr_write_at(o->fd, p, n, at);
}

/* The header is filled in but for what depends on the contents. */
static void begin_chunk(struct out *o, struct tr_chunk_header h)
{
    size_t front = o->index == 0 ? sizeof(struct tr_file_header) : 0;
    o->head = (struct tr_chunk_header *)(o->buf + front);
    *o->head = h;
    o->p = (uint8_t *)(o->head + 1);
    tr_coding_begin(&o->coding, o->head, NULL, NULL);
}

static void end_chunk(struct out *o)
{
    struct tr_chunk_header *h = o->head;
    if (!h)
        return;
    h->magic = TR_CHUNK_MAGIC;
    h->place = (uint32_t)o->index;
    h->used = (uint32_t)(o->p - (uint8_t *)h);
    h->header_sum = tr_chunk_header_sum(h);
    h->payload_sum = tr_sum(h + 1, h->used - sizeof(*h));
    write_at(o, o->buf, (size_t)(o->p - o->buf), o->index * OUT_CHUNK);
    o->index++;
    o->head = NULL;
}

static bool has_room(const struct out *o, size_t n)
{
    return (size_t)(o->buf + OUT_CHUNK - o->p) >= n;
}

/* ---- the dictionary ---- */

static void begin_dictionary(struct out *o)
{
    const struct tr_view *v = o->v;
    begin_chunk(o, (struct tr_chunk_header){.stream = TR_DICTIONARY,
                                            .seq = o->dict_seq++,
                                            .ticks = v->w.from,
                                            .mono = tr_view_mono(v, v->w.from),
                                            .cur_p = -1});
}

/* Room for a definition of n bytes; put_definition() takes it. */
static uint8_t *definition(struct out *o, size_t n)
{
    if (!has_room(o, DEF_HEAD_MAX + n)) {
        end_chunk(o);
        begin_dictionary(o);
    }
    return o->p;
}

static void put_definition(struct out *o, unsigned type, const uint8_t *payload, size_t n)
{
    uint8_t *p = definition(o, n);
    *p++ = (uint8_t)type;
    p = tr_put_leb(p, n);
    memcpy(p, payload, n);
    o->p = p + n;
}

/* Events, reasons, modules: as the recorder has them; why the snapshot is taken. */
static void copy_definitions(struct out *o, const char *why)
{
    const struct tr_chunk_header *h = (const struct tr_chunk_header *)(tr_rec.file + 1);
    size_t n = at_load_acq(&h->used) - sizeof(*h); /* [commit] */
    memcpy(o->p, h + 1, n);
    o->p += n;
    put_definition(o, TR_DEF_TAKEN, (const uint8_t *)why, strnlen(why, TR_STRING_MAX));
}

/* The stacks, or strings, that are used, in order of their ids, so that the new ids are no
 * longer. */
static void define_used(struct out *o, unsigned table, enum named kind)
{
    uint8_t buf[DEF_STACK_MAX + TR_STRING_MAX];
    struct tr_intern t = tr_dict_table(table, kind == NAMED_STACK);
    struct tr_interned e;
    uint32_t *used = o->v->used[table][kind];
    size_t at = 0;
    while (tr_intern_next(&t, &at, &e)) {
        if (e.id >= TR_NAMED_MAX || !used[e.id])
            continue;
        uint32_t id = used[e.id] = ++o->named[kind];
        if (kind == NAMED_STACK)
            put_definition(o, TR_DEF_STACK, buf,
                           (size_t)(tr_put_stack(buf, id, e.bytes, e.n / sizeof(uintptr_t)) - buf));
        else
            put_definition(o, TR_DEF_STRING, buf,
                           (size_t)(tr_put_string(buf, id, e.bytes, e.n) - buf));
    }
}

/* Names of goroutines; from now on soul->name is the number of the string. */
static void define_names(struct out *o)
{
    struct tr_view *v = o->v;
    uint8_t buf[10 + TR_STRING_MAX];
    for (size_t i = 0; i < v->soul_cap; i++) {
        struct soul *s = &v->souls[i];
        const char *name = v->texts + s->name;
        if (!s->id || !s->name)
            continue;
        s->name = ++o->named[NAMED_STRING];
        put_definition(o, TR_DEF_STRING, buf,
                       (size_t)(tr_put_string(buf, s->name, name, strlen(name)) - buf));
    }
}

static void put_dictionary(struct out *o, const char *why)
{
    begin_dictionary(o);
    copy_definitions(o, why);
    for (unsigned table = 0; table < 2; table++)
        for (enum named kind = 0; kind < NAMED_KINDS; kind++)
            define_used(o, table, kind);
    define_names(o);
    end_chunk(o);
}

/* ---- states ---- */

static void put(struct out *o, struct record *r)
{
    r->ticks = r->ticks < o->coding.ticks ? o->coding.ticks : r->ticks;
    o->p = tr_record_put(tr_event_defs, &o->coding, o->p, r);
    tr_record_follow(&o->coding, r);
}

static void put_state(struct out *o, const struct soul *s)
{
    put(o, &(struct record){
               .type = TR_EV_GO_STATE,
               .args = {s->id, s->state, s->state == TR_STATE_BLOCKED ? s->wait : 0, 0, s->fn}});
}

static void begin_states(struct out *o)
{
    const struct tr_view *v = o->v;
    begin_chunk(o, (struct tr_chunk_header){.stream = STATES,
                                            .seq = o->states_seq++,
                                            .ticks = v->w.from,
                                            .mono = tr_view_mono(v, v->w.from),
                                            .cur_p = -1,
                                            .m = UINT32_MAX});
}

/* All that does not run when the window begins. */
static void put_states(struct out *o)
{
    struct tr_view *v = o->v;
    begin_states(o);
    if (v->procs)
        put(o, &(struct record){.type = TR_EV_PROCS, .args = {v->procs}});
    for (size_t i = 0; i < v->soul_cap; i++) {
        const struct soul *s = &v->souls[i];
        if (!s->id || s->state == STATE_NOT_YET)
            continue;
        if (!has_room(o, 2 * TR_RECORD_MAX)) {
            end_chunk(o);
            begin_states(o);
        }
        if (s->state != TR_STATE_RUNNING)
            put_state(o, s);
        if (s->name)
            put(o, &(struct record){.type = TR_EV_GO_NAME, .ctx = s->id, .args = {s->name}});
    }
    end_chunk(o);
}

/* What a stream held and ran: at the beginning of its first chunk. */
static void put_lane_state(struct out *o, struct lane *l)
{
    if (l->parked)
        put(o, &(struct record){.type = TR_EV_M_PARK});
    if (l->p >= 0)
        put(o, &(struct record){.type = TR_EV_P_START, .args = {(uint64_t)l->p}});
    const struct soul *s = l->g ? tr_view_soul(o->v, l->g) : NULL;
    if (s)
        put_state(o, s);
}

/* ---- the chunks of the ring ---- */

static void begin_lane_chunk(struct out *o, struct lane *l, const struct tr_chunk_header *h)
{
    const struct tr_view *v = o->v;
    bool first = !l->number;
    if (first)
        l->number = STATES + ++o->lanes;
    struct tr_chunk_header new = {.stream = l->number,
                                  .seq = l->seq++,
                                  .ticks = v->w.from,
                                  .m = l->m,
                                  .tid = l->tid,
                                  .cur_p = -1};
    if (h && h->ticks > v->w.from) {
        new.ticks = h->ticks;
        new.mono = h->mono;
    } else {
        new.mono = tr_view_mono(v, v->w.from);
    }
    if (h && !first) {
        new.cur_g = h->cur_g;
        new.cur_p = h->cur_p;
    }
    begin_chunk(o, new);
    if (first)
        put_lane_state(o, l);
}

/* The numbers of the snapshot for those of a turn's tables. */
static void renumber(const struct tr_view *v, uint32_t gen, struct record *r)
{
    const char *args = tr_event_defs[r->type].args;
    unsigned table = gen == v->gens[0] ? 0 : 1;
    for (size_t i = 0; args[i]; i++)
        if (args[i] == 's' || args[i] == 't')
            r->args[i] =
                r->args[i] < TR_NAMED_MAX
                    ? v->used[table][args[i] == 's' ? NAMED_STACK : NAMED_STRING][r->args[i]]
                    : 0;
}

static void put_part(struct out *o, size_t i)
{
    struct tr_view *v = o->v;
    const struct tr_part *part = &v->w.parts[i];
    struct decoder d;
    struct record r;
    struct lane *l = tr_view_part(v, i, &d);
    if (!l)
        return;
    bool more = tr_view_next(v, &d, &r);
    for (; more && r.ticks <= v->w.from; more = tr_view_next(v, &d, &r))
        tr_record_follow(&d, &r);
    bool tells = !l->number && part->open && !l->ended;
    if (!more && !tells)
        return;
    begin_lane_chunk(o, l, part->head);
    for (; more && has_room(o, TR_RECORD_MAX); more = tr_view_next(v, &d, &r)) {
        struct record new = r;
        renumber(v, part->gen, &new);
        put(o, &new);
        tr_record_follow(&d, &r);
    }
    end_chunk(o);
}

static void put_lanes(struct out *o)
{
    struct tr_view *v = o->v;
    for (size_t i = 0; i < v->lane_count; i++) {
        struct lane *l = &v->lanes[i];
        bool tells = l->g || l->p >= 0 || l->parked;
        if (tells && (l->late || l->id == UINT32_MAX)) { /* it has no chunk from that time */
            begin_lane_chunk(o, l, NULL);
            end_chunk(o);
        }
    }
    for (size_t i = 0; i < v->w.count && !o->err; i++)
        put_part(o, i);
}

/* ---- the file ---- */

static void put_file_header(struct out *o, uint32_t end)
{
    const struct tr_view *v = o->v;
    int64_t mono = tr_view_mono(v, v->w.from);
    struct tr_file_header f = *tr_rec.file;
    f.chunk_size = OUT_CHUNK;
    f.flags = TR_FILE_SNAPSHOT;
    f.start_ticks = v->w.from;
    f.start_mono = mono;
    f.start_wall = v->w.wall - (v->w.end.mono - mono);
    f.sum = tr_header_sum(&f);
    f.chunks = o->index;
    f.end_ticks = v->w.to;
    f.end_mono = tr_view_mono(v, v->w.to);
    f.end = end;
    write_at(o, &f, sizeof(f), 0);
}

static int write_view(struct tr_view *v, int fd, const char *why)
{
    struct out o = {.v = v, .fd = fd, .buf = vm_reserve(OUT_CHUNK)};
    if (!o.buf)
        return -ENOMEM;
    put_dictionary(&o, why);
    put_file_header(&o, TR_FILE_OPEN); /* what is written when the program dies now can be read */
    put_states(&o);
    put_lanes(&o);
    put_file_header(&o, TR_FILE_STOPPED);
    if (!o.err && ftruncate(fd, (off_t)(o.index * OUT_CHUNK)) != 0)
        o.err = -errno;
    vm_release(o.buf, OUT_CHUNK);
    return o.err;
}

int tr_snapshot(const char *path, int64_t duration_ns, const char *why)
{
    struct tr_view v;
    struct stat st;
    static char name[sizeof(tr_rec.path)]; /* under rec.control */
    if (duration_ns < 0)
        return -EINVAL;
    rt_lock(&tr_rec.control);
    int err = tr_flight_on() ? tr_path_expand(path, name, sizeof(name)) : -ENODATA;
    int fd = err ? err : tr_file_create(name, &st);
    if (fd >= 0) {
        err = tr_view_open(&v, tr_units(duration_ns));
        if (!err) {
            err = write_view(&v, fd, why);
            tr_view_close(&v);
        }
        if (close(fd) != 0 && !err)
            err = -errno;
        if (err)
            (void)unlink(name);
    } else {
        err = fd;
    }
    rt_unlock(&tr_rec.control);
    return err;
}

void tr_snapshot_wait(void)
{
    rt_lock(&tr_rec.control);
    rt_unlock(&tr_rec.control);
}
