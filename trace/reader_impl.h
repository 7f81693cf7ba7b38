/* reader_impl.h - the reader's inside: what its files know of each other.
 *
 *   reader.c         open, next, close; the merge of the streams and the repair of their order
 *   reader_chunks.c  the file: header, list of chunks, clock, what is cut or damaged
 *   reader_dict.c    definitions
 *   reader_decode.c  records of one chunk into events
 *   reader_g.c       the live goroutines, packed
 *   reader_state.c   the state machines of G, M and P; spans come from their changes
 *   reader_names.c   names for addresses, objects and goroutines
 *   spans.c          spans handed to the user */
#ifndef TR_READER_IMPL_H
#define TR_READER_IMPL_H

#include "format.h"
#include "reader.h"
#include "reader_index.h"
#include "records.h"

enum {
    CLOSED_MAX = 8,  /* spans that one event can end */
    ASKED_MAX = 8,   /* goroutines that a user may look at beside each other */
    PROCS_MAX = 4096 /* a P with a greater number is damage */
};

/* ---- growing arrays ---- */

/* Makes room for one more element of size bytes at index n of *p, which has room for *cap.
 * Returns false when memory is short. */
bool tr_room(void **p, size_t *cap, size_t n, size_t size);

/* ---- a row of chunks: one stream ---- */

struct chunk_ref {
    uint32_t index, seq;
    uint32_t place; /* another number than index: of a chunk that a staging chunk stands for */
    uint64_t ticks;
};

/* Staging chunk index has the bytes of chunk place. */
struct staged {
    uint32_t place, index;
};

struct m_state {
    uint64_t g; /* runs it; 0 none */
    int64_t since;
    int32_t p; /* holds it */
    uint8_t state;
    bool seen, stopped;
};

struct stream {
    uint32_t id, m, tid;
    struct chunk_ref *chunks;
    size_t chunk_count, chunk_cap;

    size_t next_chunk; /* to load */
    uint8_t *buf;      /* of the chunk that is read; while the stream lasts */
    size_t buf_cap;
    uint64_t buf_offset;
    bool cut;             /* the chunk in buf ends before its `used` */
    uint64_t ticks_limit; /* no record of this chunk is later */
    struct decoder dec;
    struct tr_event head; /* the next event; its time is that of this stream's clock */
    bool has_head;
    bool asleep; /* nothing is read yet: head has only a time, before which it has no event */
    size_t heap_at;
    struct m_state ms;
};

/* ---- goroutines (reader_g.c), processors ---- */

#define G_ID_MAX    (((uint64_t)1 << 48) - 1)
#define TIME_NS_MAX ((int64_t)1 << 55) /* 417 days: later times are damage, and are cut to this */

/* A goroutine; some fields only in some states. */
struct gnode {
    uint64_t id : 48, p_1 : 13, state : 3; /* p_1: its P + 1; 0 none */
    uint64_t by : 48;                      /* its creator */
    uint64_t by_p_1 : 13;                  /* runnable: P of who made it so, + 1 */
    uint64_t first : 1;                    /* this is its first runnable span */
    uint64_t told : 1; /* its state is from a GO_STATE in the middle of a run: about right */
    uint64_t
        whom : 48;    /* runnable: who made it so; blocked: number of the object; on a thread: M */
    uint64_t why : 5; /* blocked: reason */
    uint64_t since : 56;
    uint64_t created_1 : 56; /* + 1; 0 unknown */
    uint32_t stack;          /* blocked: where; runnable: where it was made so */
    uint32_t birth;          /* free node: the next one + 1 */
};
_Static_assert(sizeof(struct gnode) == 48, "there may be millions");

/* What many goroutines have in common. */
struct birth {
    uint64_t fn;
    const char *name;
    uint32_t stack;
};

struct p_state {
    uint64_t g;
    int64_t since;
    uint32_t m;
    uint8_t state;
    bool seen, held;
};

struct g_table {
    struct tr_index index; /* by id */
    struct gnode **slabs;
    size_t slab_count, slab_cap;
    uint32_t used, free; /* nodes handed out; first free one, + 1 */
    struct tr_index birth_index;
    struct birth *births;
    size_t birth_cap;
    uint32_t birth_count;
};

/* ---- definitions ---- */

struct stack_def {
    uint64_t *pcs;
    size_t n;
};

struct module_def {
    uint64_t bias, start, end;
    unsigned char build_id[64];
    size_t build_id_len;
    char *path;
};

/* Unpacked for the user. */
struct asked {
    struct tr_g g[ASKED_MAX], closed[CLOSED_MAX];
    unsigned next;
};

struct names; /* reader_names.c */

struct tr_reader {
    int fd; /* -1: memory */
    const uint8_t *mem;
    uint64_t size;
    struct tr_file_header file;
    struct tr_info info;
    char *path;
    char problem[TR_ERR_MAX];
    unsigned problems;

    uint64_t ns_mult; /* ns per unit, 32.32 */
    uint64_t chunks_present;
    struct stream dict;
    struct stream *streams;
    size_t stream_count, stream_cap;
    bool running; /* the program records on while this reads */
    struct staged *staged;
    size_t staged_cap;
    struct tr_index staged_index; /* by place */

    struct event_def events[TR_HEAD_TYPE + 1];
    char **strings;
    size_t string_cap;
    struct stack_def *stacks;
    size_t stack_cap;
    struct module_def *modules;
    size_t module_count, module_cap;
    char *command, *taken;

    struct stream **heap;
    size_t heap_count;
    uint64_t count; /* events handed out */
    int64_t time;   /* of the last one */

    struct g_table gs;
    uint64_t dying;     /* goroutine ended by the last event; forgotten by the next */
    struct p_state *ps; /* by number */
    size_t p_cap;
    struct tr_span closed[CLOSED_MAX];
    const struct gnode *closed_g[CLOSED_MAX]; /* the goroutine, of a G lane */
    size_t closed_count;
    struct asked *asked;
    char wrong[160];

    struct names *names;
};

/* ---- reader_chunks.c ---- */

/* Reads header and list of chunks.  Returns 0, or -errno with err. */
int tr_chunks_open(struct tr_reader *r, char *err);

/* Copies up to n bytes at offset; returns how many there are. */
size_t tr_chunks_read(struct tr_reader *r, uint64_t offset, void *buf, size_t n);

/* Loads chunk i of s into s->buf and sets the decoder up.  Returns false when it cannot be read. */
bool tr_chunk_load(struct tr_reader *r, struct stream *s, size_t i);

/* Notes damage at offset; what comes after ns may miss events of a stream. */
void tr_problem(struct tr_reader *r, uint64_t offset, int64_t ns, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* From ns on, events of some stream may be missing. */
void tr_incomplete(struct tr_reader *r, int64_t ns);

int64_t tr_ticks_to_ns(const struct tr_reader *r, uint64_t ticks);

/* ---- reader_dict.c ---- */
int tr_dict_read(struct tr_reader *r);
void tr_dict_free(struct tr_reader *r);

/* ---- reader_decode.c ---- */

enum decoded { DECODED, DECODED_SKIP, DECODED_END, DECODED_BAD };

/* Decodes the record at d->at into *e (all fields that the record itself determines) and moves on.
 * SKIP: a record of a type that this reader does not know.  END: no more.  BAD: d->at stays. */
enum decoded tr_decode(const struct tr_reader *r, struct decoder *d, struct tr_event *e);

/* ---- reader_g.c ---- */
int tr_g_init(struct tr_reader *r);
void tr_g_reset(struct tr_reader *r);
void tr_g_free(struct tr_reader *r);

struct gnode *tr_g_find(const struct tr_reader *r, uint64_t id);

/* A goroutine that was not there, of which nothing is known.  Returns NULL when memory is short. */
struct gnode *tr_g_add(struct tr_reader *r, uint64_t id);
void tr_g_remove(struct tr_reader *r, uint64_t id);

/* The one at *i or after it, which *i then is behind; NULL at the end.  Begins with *i = 0. */
struct gnode *tr_g_each(const struct tr_reader *r, uint32_t *i);

void tr_g_born(struct tr_reader *r, struct gnode *g, uint64_t fn, uint32_t stack);
void tr_g_named(struct tr_reader *r, struct gnode *g, const char *name);
uint32_t tr_g_create_stack(const struct tr_reader *r, const struct gnode *g);
void tr_g_unpack(const struct tr_reader *r, const struct gnode *n, struct tr_g *ret);

/* ---- reader_state.c ---- */

int tr_state_init(struct tr_reader *r);
void tr_state_reset(struct tr_reader *r);
void tr_state_free(struct tr_reader *r);

/* Forgets what the last event left: its spans, the goroutine that it ended. */
void tr_state_next(struct tr_reader *r);

/* Whether the states allow e, the head of s, to be the next event.  Returns false with the reason
 * in r->wrong, if explain is set. */
bool tr_state_allows(struct tr_reader *r, const struct stream *s, const struct tr_event *e,
                     bool explain);

/* Moves the states, fills in e's processor and goroutine, and collects the spans that end. */
void tr_state_apply(struct tr_reader *r, struct stream *s, struct tr_event *e);

/* The span of the state that now ends, put behind r->closed. */
void tr_span_of_g(struct tr_reader *r, const struct gnode *n, uint64_t ended_by, int32_t by_p);
void tr_span_of_p(struct tr_reader *r, int32_t id);
void tr_span_of_m(struct tr_reader *r, struct stream *s);

/* ---- reader_names.c ---- */

/* Address of the object of that number; 0 for 0. */
uint64_t tr_obj_address(const struct tr_reader *r, uint32_t number);
struct names *tr_names_make(void);
void tr_names_free(struct names *n);

#endif
