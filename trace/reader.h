/* reader.h - reading a .gtrace file: events in order of time, names, and spans of states.
 *
 * The reader streams: it holds one chunk of each recording thread, the live goroutines, and the
 * definitions (stacks, names, modules), never the file.  It refuses nothing that can be read: a
 * file that was cut or damaged gives everything that is left, and info->problem says where it
 * hurts.
 *
 * Typical use
 *
 *     struct tr_reader *r;
 *     char err[TR_ERR_MAX];
 *     if (tr_reader_open(path, &r, err) != 0)
 *         fail(err);
 *     struct tr_spans *sp = tr_spans_make(r, on_span, arg);
 *     struct tr_event e;
 *     while (tr_reader_next(r, &e))
 *         tr_spans_feed(sp, &e);
 *     tr_spans_finish(sp);            (closes what is open, at info->end_ns)
 *     tr_spans_free(sp);
 *     tr_reader_close(r);
 *
 * One thread at a time may use a reader.  Pointers to text that are handed out stay valid until
 * tr_reader_close(). */
#ifndef TR_READER_H
#define TR_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tr.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TR_ERR_MAX 512
#define TR_NO_P    (-1)

struct tr_reader;

/* ---- the file ---- */

enum tr_end {
    TR_END_KILLED,  /* no end record and nobody writes: the program was killed or crashed */
    TR_END_STOPPED, /* by tr_stop() or the end of the program: the record is complete */
    TR_END_LIMIT,   /* the size limit was reached */
    TR_END_FULL,    /* the disk was full, or the file could not grow for another reason */
    TR_END_RUNNING, /* the program still writes */
};

struct tr_info {
    const char *path;
    uint64_t file_size, chunks, streams;
    uint32_t pid;
    const char *command;   /* of the program that was recorded; "" when unknown */
    int64_t wall_start_ns; /* CLOCK_REALTIME when the recording began */
    double tick_ns;        /* resolution of the times */
    const char *taken; /* a snapshot of the flight recorder, and why; NULL: a recording.  It begins
                        * with the states of all goroutines, threads and processors. */
    bool from_start;   /* recorded from the beginning of the program: every G has its creation */
    enum tr_end end;
    int end_errno;  /* with TR_END_FULL */
    int64_t end_ns; /* when it ended, or the last event: times run over [0, end_ns] */
    int64_t
        complete_until;  /* the record of all threads is whole up to here; INT64_MAX: all of it */
    const char *problem; /* what is cut or damaged, with the offset; NULL when nothing is.
                             * May be set, and complete_until lowered, while events are read. */
    uint64_t problem_offset;
    bool damaged;      /* the problem is more than a missing end */
    uint64_t repaired; /* events put into causal order against their clocks, so far */
};

/* Opens path.  Returns 0, or -errno or -EBADMSG (not a trace, wrong version, nothing readable)
 * with one line about it, path included, in err. */
int tr_reader_open(const char *path, struct tr_reader **ret, char err[TR_ERR_MAX]);

/* The same from memory, which must outlive the reader. */
int tr_reader_open_mem(const void *p, size_t size, struct tr_reader **ret, char err[TR_ERR_MAX]);
void tr_reader_close(struct tr_reader *r);

/* Begins again at the first event.  Definitions, names and object numbers are kept. */
void tr_reader_rewind(struct tr_reader *r);

/* end_ns is exact after open (one look at the end of each stream), so widths can be planned. */
const struct tr_info *tr_reader_info(const struct tr_reader *r);

/* One line for people: "complete", "ended by a kill at 1.234 s; nothing lost", ...  */
void tr_reader_verdict(const struct tr_reader *r, char *buf, size_t cap);

/* ---- events ---- */

/* How one side of a data race touched the memory, within the 8-byte word of the conflict. */
struct tr_access {
    uint8_t size; /* in bytes; 0: not known, an older recording */
    uint8_t first : 3, write : 1, atomic : 1, free : 1; /* first: number of its first byte there */
};

struct tr_event {
    enum tr_type type;
    enum tr_reason why;         /* GO_BLOCK, GO_STATE, GO_READY: what it waits, or waited, for */
    uint64_t n;                 /* number of the event in merged order, from 0 */
    int64_t time;               /* ns since the start of the recording; never decreases */
    uint64_t offset;            /* of the record in the file */
    uint32_t m;                 /* the thread that recorded it */
    uint32_t tid;               /* its kernel id */
    int32_t p;                  /* processor: the one named, else the one this M holds; TR_NO_P */
    struct tr_access access[2]; /* RACE: the later one, the earlier one */
    uint64_t g;     /* goroutine it is about; for P and M events the one that runs on M; 0 none */
    uint64_t by;    /* GO_CREATE, GO_READY: who did it (0: timer, scheduler or a thread);
                         * RACE: the goroutine of the earlier access */
    uint64_t obj;   /* with why: the object, an address; RACE: the address; 0 none */
    uint64_t fn;    /* GO_CREATE, GO_STATE: entry function's address; 0 unknown */
    uint32_t stack; /* GO_CREATE, GO_BLOCK, GO_READY (of who made it ready), RACE (of the later
                         * access): id; 0 none */
    uint32_t by_stack; /* RACE: of the earlier access; 0 none */
    uint64_t arg;      /* P_STEAL, PROCS: count; P_RETAKE: the M that lost it */
    uint64_t task;     /* TASK_*, REGION_*, LOG: the task; 0 none.  TASK_BEGIN's arg: its parent */
    const char *text;  /* GO_NAME, TASK_BEGIN, REGION_*: name; LOG: message */
    const char *category;   /* LOG */
    int64_t by_from, by_to; /* RACE: the earlier access was made in between, as far as the recording
                             * tells; by_from -1: nothing is known, by_to is not after time */
    const char *wrong;      /* NULL, or why the state machines do not allow this event here.  Such
                         * events are delivered, and the states follow them.  Valid until next. */
};

/* The next event in order of time, causally consistent per goroutine, processor and thread: where
 * clocks of two processors disagree by less than a millisecond, the order is repaired and time is
 * set to that of the event before.  Returns false at the end. */
bool tr_reader_next(struct tr_reader *r, struct tr_event *ret);

const char *tr_type_name(enum tr_type t); /* "block" */

/* Tasks, regions and logs: what the program says of itself. */
static inline bool tr_is_mark(enum tr_type t)
{
    return t >= TR_EV_TASK_BEGIN && t <= TR_EV_LOG;
}

/* Columns of the tables: what a goroutine's time is spent on. */
enum tr_class {
    TR_CL_RUNNING,
    TR_CL_RUNNABLE,
    TR_CL_CHAN,
    TR_CL_MUTEX, /* mutex, rwmutex, once */
    TR_CL_SELECT,
    TR_CL_NET,
    TR_CL_SYSCALL, /* also: on its thread without a P */
    TR_CL_SLEEP,
    TR_CL_OTHER, /* waitgroup, cond, sem */
    TR_CLASSES
};
enum tr_class tr_reason_class(enum tr_reason why);
const char *tr_class_name(enum tr_class c);

/* ---- goroutines, objects, stacks, names ---- */

enum tr_gstate {
    TR_G_UNKNOWN, /* alive, but the recording began later */
    TR_G_RUNNABLE,
    TR_G_RUNNING,
    TR_G_BLOCKED,
    TR_G_DETACHED, /* runs on its thread, but its P was taken from it */
    TR_G_DEAD,
};
const char *tr_gstate_name(enum tr_gstate s);

/* A goroutine as of the last event read; it is known while it lives, and during the event that ends
 * it. */
struct tr_g {
    uint64_t id, by;  /* by: its creator, 0 unknown */
    int64_t created;  /* ns; -1 when the recording began later */
    int64_t since;    /* of the current state */
    uint64_t fn;      /* entry function; 0 unknown */
    uint64_t obj;     /* blocked on */
    const char *name; /* go_setname(); NULL none */
    uint32_t create_stack, block_stack;
    uint32_t m;    /* running or detached: the thread */
    int32_t p;     /* running: the processor; else the last one, or TR_NO_P */
    uint8_t state; /* enum tr_gstate */
    uint8_t why;   /* enum tr_reason, blocked */
};

/* NULL: not alive.  Valid until the next event, and for eight calls. */
const struct tr_g *tr_reader_g(const struct tr_reader *r, uint64_t id);

/* What to call a goroutine: its name, else its entry function, else "?". */
const char *tr_reader_g_label(struct tr_reader *r, const struct tr_g *g);

/* Small number of an object, from 1 in the order in which goroutines first wait for them, 0 for
 * none; and "chan#3". */
uint32_t tr_reader_obj_number(struct tr_reader *r, uint64_t obj);
void tr_reader_obj_name(struct tr_reader *r, enum tr_reason why, uint64_t obj, char *buf,
                        size_t cap);

/* Return addresses, innermost first; NULL and 0 for an unknown id. */
const uint64_t *tr_reader_stack(const struct tr_reader *r, uint32_t id, size_t *ret_n);

struct tr_frame {
    const char *function; /* "?" when unknown */
    const char *file;     /* NULL when unknown */
    int line;
    bool inlined;
};

/* Frames of the code address pc (a return address: is_return, or a function), innermost inlined
 * first, from the debug information of the recorded modules; remembered.  At least 1. */
size_t tr_reader_frames(struct tr_reader *r, uint64_t pc, bool is_return,
                        const struct tr_frame **ret);

/* Name of the function that begins at or covers pc; "?" when unknown. */
const char *tr_reader_function(struct tr_reader *r, uint64_t pc);

/* How many of a stack's innermost addresses are the runtime's.  Where the runtime was built without
 * debug information and the program with it, these are the addresses without a file; else all up to
 * the first public function (one that was left by a tail call has no frame). */
size_t tr_reader_runtime_depth(struct tr_reader *r, const uint64_t *pcs, size_t n);

/* The frame of a stack where the user's program called into the runtime: the first that is not the
 * runtime's.  Returns false when there is none. */
bool tr_reader_user_frame(struct tr_reader *r, uint32_t stack, struct tr_frame *ret);

/* True for frames of the runtime, which views fold away: by the place of their source, or by name.
 * tr_is_runtime_function() knows the name only: go_*, rt_*, ... */
bool tr_reader_is_runtime(struct tr_reader *r, const struct tr_frame *f);
bool tr_is_runtime_function(const char *name);

/* ---- spans: how long each G, P and M was in each state ---- */

enum tr_lane { TR_LANE_G, TR_LANE_P, TR_LANE_M };

enum tr_mstate {
    TR_M_PARKED,
    TR_M_IDLE,     /* awake, in the scheduler or without work */
    TR_M_RUNNING,  /* runs span->g on span->p */
    TR_M_DETACHED, /* runs span->g without a P */
};

enum tr_pstate {
    TR_P_IDLE,      /* no M holds it */
    TR_P_SCHEDULER, /* span->m holds it and looks for work */
    TR_P_RUNNING,   /* runs span->g on span->m */
};

/* One state of one G, P or M over [begin, end).  Handed out when it ends, so the spans of one lane
 * come in order, those of different lanes in order of their ends.  Spans of no length are handed
 * out too (a goroutine may become runnable and start within one tick). */
struct tr_span {
    enum tr_lane lane;
    uint8_t state;      /* tr_gstate, tr_pstate, tr_mstate */
    bool open;          /* still so when the trace ended */
    enum tr_reason why; /* G blocked: reason */
    uint64_t id;        /* of the G, P or M */
    int64_t begin, end;
    uint64_t g;        /* P, M: the goroutine that ran; 0 none */
    int32_t p;         /* G running: processor; M: the P it holds; TR_NO_P */
    uint32_t m;        /* G running or detached, P held: thread */
    uint64_t obj;      /* G blocked: what it waited for */
    uint32_t stack;    /* G blocked: where; first runnable span: stack of its creation */
    uint64_t by;       /* G blocked: who ended it; G runnable: who made it so (creator, unblocker,
                         * itself after a yield); 0 timer, scheduler or unknown */
    int32_t by_p;      /* and on which P that one ran; TR_NO_P */
    uint32_t by_stack; /* G runnable: and where, the stack of its creation or its ready; 0 none */
    bool created;      /* G runnable: the first one, since its creation */
    const struct tr_g *info; /* G lanes: the goroutine; may be NULL.  Valid in the callback. */
};

struct tr_spans;
typedef void tr_span_fn(void *arg, const struct tr_span *s);

/* Returns NULL when memory is short. */
struct tr_spans *tr_spans_make(struct tr_reader *r, tr_span_fn *fn, void *arg);

/* The same without a function to call: the spans that the last event ended. */
size_t tr_reader_ended(const struct tr_reader *r, const struct tr_span **ret);

/* After each tr_reader_next(), with its event. */
void tr_spans_feed(struct tr_spans *sp, const struct tr_event *e);

/* At the end: closes all open spans at info->end_ns. */
void tr_spans_finish(struct tr_spans *sp);
void tr_spans_free(struct tr_spans *sp);

#ifdef __cplusplus
}
#endif

#endif
