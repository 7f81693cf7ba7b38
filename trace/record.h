/* record.h - the recorder's inside: what its files know of each other.
 *
 *   writer.c     events into a stream's chunk: the path that must be short
 *   recorder.c   the life of a recording: streams, start, end
 *   chunks.c     its file, which grows, and its chunks
 *   dict.c       definitions: stacks, strings, modules
 *   walks.c      stacks that are known without a walk
 *   intern.c     the table that gives equal bytes the same number
 *   flight.c     the ring of chunks that the flight recorder keeps in memory
 *   window.c     what was the case when such a window began
 *   snapshot.c   a window as a file        moments.c   its last moments as text
 *   records.c    the coding of records, for these
 *
 * Lock order: rec.control, dict.lock, rec.lock.  All are leaves for the host, but that the first is
 * held while the host is asked for its goroutines. */
#ifndef TR_RECORD_H
#define TR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "atomic.h"
#include "check.h"
#include "clock.h"
#include "format.h"
#include "futex.h"
#include "list.h"
#include "tr.h"

/* A stream.  All fields by its thread, except where said otherwise. */
struct tr_stream {
    uint8_t *pos;                  /* where the next record goes ...                        */
    uint8_t *limit;                /* ... if it is below this: TR_RECORD_MAX are free.      */
    struct tr_chunk_header *chunk; /* mapped; NULL like pos and limit while there is none   */
    uint64_t last;                 /* time of the last record, in units                     */
    uint64_t last_g;               /* goroutine mentioned last in this chunk                */
    uint64_t cur_g;                /* started last on this M; 0 none                        */
    int32_t cur_p;                 /* taken last by this M; -1 none                         */
    uint32_t gen;                  /* recording that chunk belongs to                       */
    uint32_t shift;                /* of the counter                                        */
    bool shared;                   /* the stream of threads that have none, under its lock  */
    bool ring;                     /* chunk is one of the flight recorder's                 */
    bool staging;                  /* chunk is a staging chunk                              */
    bool stacks;                   /* events have stacks                                    */
    uint64_t keys[TR_KEYS];
    struct tr_walks *walks; /* or NULL */
    uintptr_t top;          /* of the stack of the goroutine started last; 0 not known */
    uint32_t id, seq;       /* of the stream in the file, of the next chunk in the stream */
    uint32_t m, tid;
    uint32_t forks;   /* depth of forks in which chunk was taken: deeper, it is the parent's */
    uint32_t session; /* recording that id belongs to: one of a flight has several gens */
};

/* What is being recorded.  Guarded by lock, where not said otherwise. */
struct tr_recording {
    struct rt_lock control; /* one at a time starts, stops or takes a snapshot */
    struct rt_lock lock;
    int fd; /* -1 unless a recording into a file runs */
    dev_t dev;
    ino_t ino;
    struct tr_file_header *file; /* chunk 0, mapped from the start to the next one */
    uint64_t next;               /* chunk to hand out */
    uint64_t allocated;          /* bytes of the file that have blocks */
    uint64_t limit;              /* bytes; UINT64_MAX: none */
    uint32_t gen;                /* number of the last recording, or turn of the flight's tables */
    uint32_t session;            /* number of the last recording */
    uint32_t shift;              /* ticks are the counter shifted right by so much */
    uint32_t streams;            /* stream ids given out in this recording */
    uint32_t streams_open;       /* that live; recordings that begin with 0 see everything */
    uint32_t forks;              /* that led to this process since the program began */
    uint32_t stack_max;          /* frames of a stack that are kept; set before tr_on */
    bool atfork;
    bool flight; /* the recording is the flight recorder's: into memory */
    char path[4096];
};
extern struct tr_recording tr_rec __attribute__((visibility("hidden")));

/* Time in units. */
static inline uint64_t tr_now(void)
{
    return clock_ticks() >> tr_rec.shift;
}

/* Nanoseconds as units, 0 for more than fits. */
static inline uint64_t tr_units(int64_t ns)
{
    double units = (double)ns * (double)tr_rec.file->tick_hz / 1e9;
    return units < (double)INT64_MAX ? (uint64_t)units : 0;
}

/* Puts the headers of a new recording into its chunk 0 and gives it numbers.
 * Requires: rec.control, rec.lock, rec.fd or rec.flight is set. */
void tr_recording_begin(struct tr_file_header *f);

/* Begins its dictionary and lets the hooks know.  old: chunk 0 of the last recording, or NULL.
 * Returns 0, or -ENOMEM when memory or file is short: then it has ended.  Requires: rec.control. */
int tr_recording_announce(struct tr_file_header *old);

/* Requires: rec.lock and a recording that runs.  how: TR_FILE_*. */
void tr_recording_end(uint32_t how, int err);

enum { TR_ELIMIT = 100000 }; /* the size limit is reached; beyond every errno */

/* The same when the file cannot grow any more: says so on stderr, too.  err: -errno, or
 * -TR_ELIMIT. */
void tr_recording_end_early(int err);

/* A fresh regular file, or -errno.  An existing one is unlinked where possible: it may be in
 * use. */
int tr_file_create(const char *path, struct stat *ret_st);

/* Makes room for one record in s, in the recording that runs.  s NULL: in the shared stream, which
 * is returned locked.  Returns NULL when nothing is to be recorded (any more). */
struct tr_stream *tr_enter_slow(struct tr_stream *s);

/* Unlocks the shared stream. */
void tr_leave_shared(void);

/* The counter and CLOCK_MONOTONIC at the same moment. */
struct tr_clock {
    uint64_t ticks; /* not shifted */
    int64_t mono;
};
struct tr_clock tr_clock_pair(void);

/* ---- chunks.c ---- all require rec.lock, where not said otherwise */

/* Is rec.fd still the recording's file?  A program may close any number and open it anew. */
bool tr_file_is_ours(void);

/* Writes the n bytes at p to offset at of any file; needs no lock.  Returns 0 or -errno. */
int tr_write_at(int fd, const void *p, size_t n, uint64_t at);

/* Makes the file have room for `need` bytes.  Returns 0 or -errno; -TR_ELIMIT at the size limit. */
int tr_file_grow(uint64_t need);

/* Makes c, which is zeroed, chunk number place of the file. */
void tr_chunk_begin(struct tr_chunk_header *c, uint64_t place, uint32_t stream, uint32_t seq,
                    const struct tr_stream *s);

/* A chunk of the recording that runs, zeroed, for s with number stream and seq; its header is
 * complete.  Returns NULL, and has ended the recording, when there is none to be had. */
struct tr_chunk_header *tr_chunk_take(uint32_t stream, uint32_t seq, const struct tr_stream *s);

/* s's chunk, if it has one, is full: the one to go on in, which may be the same.  NULL likewise. */
struct tr_chunk_header *tr_chunk_next(struct tr_stream *s);

/* The same, taking rec.lock, for the dictionary; NULL also when gen does not run any more. */
struct tr_chunk_header *tr_chunk_take_dict(uint32_t gen, uint32_t seq);

/* Ends a chunk: sums it up and unmaps it.  By its owner; needs no lock. */
void tr_chunk_finish(struct tr_chunk_header *c);

/* ---- flight.c ---- all but the last two require rec.lock */

#define TR_RING_HEAD  64u                            /* before a ring's chunk, for the ring */
#define TR_RING_CHUNK (TR_CHUNK_SIZE - TR_RING_HEAD) /* bytes of a chunk in the ring */

/* A chunk for some stream.  NULL when memory is short; later ones may succeed. */
struct tr_chunk_header *tr_ring_take(void);

/* Its stream goes on in another one. */
void tr_ring_done(struct tr_chunk_header *c);

/* No flight is recorded any more: gives the memory back, except what streams still hold. */
void tr_ring_off(void);

/* In the child of a fork: the memory is given back, and no flight is recorded. */
void tr_flight_fork(void);

/* Begins the flight again after a recording into a file, if it is wanted.
 * Requires: rec.control. */
void tr_flight_resume(void);

/* The dictionary's tables are full: a new turn begins, with empty ones.  Returns its gen, 0 when
 * there is no flight.  Requires: dict.lock. */
uint32_t tr_flight_turn(void);

/* What the host has said of itself, or NULL. */
const struct tr_host *tr_host(void);

/* A chunk of a window, in order of their beginnings. */
struct tr_part {
    const struct tr_chunk_header *head;
    uint32_t gen;  /* whose tables its stacks and strings are in */
    uint32_t used; /* bytes of it that are there, header included */
    bool open;     /* its stream's last one */
};

/* What the flight recorder has of [from, to], in units; events at from itself are left out. */
struct tr_window {
    uint64_t from, to;
    struct tr_clock end; /* the clocks at `to`, or later */
    int64_t wall;        /* CLOCK_REALTIME then */
    struct tr_part *parts;
    size_t count;
    size_t size; /* bytes of the array */
};

/* Two steps, between which the host may be asked how things stand: from now on nothing is dropped
 * that belongs to the last `duration` units; then, what there is.  Returns 0 or -errno: -ENODATA
 * when no flight is recorded.  Requires: rec.control. */
int tr_window_open(struct tr_window *w, uint64_t duration);
int tr_window_fill(struct tr_window *w);
void tr_window_close(struct tr_window *w);

/* ---- dict.c ---- */

/* Begins the dictionary of recording gen in its first chunk, of size bytes, and forgets what
 * the last recording knew.  Requires: gen is not announced yet.  Returns false when memory or
 * file is short. */
bool tr_dict_begin(uint32_t gen, struct tr_chunk_header *first, size_t size);

/* Ids of a stack and a string, defined in the file before they are returned.  0: none to be had. */
uint32_t tr_dict_stack(const uintptr_t *pcs, size_t n);
uint32_t tr_dict_string(const char *text);

/* For snapshots of a flight: keeps its two pairs of tables, and says whose gens they are; one of
 * them, stacks or strings, as it is now. */
void tr_dict_hold(uint32_t ret_gens[2]);
void tr_dict_let_go(void);
struct tr_intern tr_dict_table(unsigned table, bool stacks);

/* Payloads of definitions at p, which has DEF_STACK_MAX or 10 + n bytes; return where they end. */
enum { DEF_STACK_MAX = 10 * (TR_STACK_MAX + 2) };
uint8_t *tr_put_stack(uint8_t *p, uint32_t id, const uintptr_t *pcs, size_t n);
uint8_t *tr_put_string(uint8_t *p, uint32_t id, const void *text, size_t n);

/* In the child of a fork: the locks are free and the mappings are the parent's. */
void tr_dict_fork(void);

/* ---- writer.c ---- */

/* Records that the thread of s began or ends. */
void tr_note_m(struct tr_stream *s, bool start);

/* ---- intern.c ---- numbers for byte strings; see there */

struct tr_intern {
    void **slots;   /* [intern] published entries; written under the dictionary's lock */
    char *arena;    /* entries, never moved */
    size_t used;    /* of the arena */
    uint32_t count; /* entries; also the last id given */
};

/* Empties t; the memory is reserved on first use.  Returns false when there is none. */
bool tr_intern_reset(struct tr_intern *t);

/* Id of the n bytes at p, 0 when they have none.  Any thread, no lock. */
uint32_t tr_intern_find(const struct tr_intern *t, const void *p, size_t n);

/* Two steps under the lock: an entry with the next id, then, when the definition is in the file,
 * its publication.  tr_intern_prepare returns NULL when the table is full. */
struct tr_intern_entry;
struct tr_intern_entry *tr_intern_prepare(struct tr_intern *t, const void *p, size_t n,
                                          uint32_t *ret_id);
void tr_intern_publish(struct tr_intern *t, struct tr_intern_entry *e);

/* The entries in order of their ids.  *at begins as 0; t may be a copy taken under the lock.
 * Returns false behind the last one. */
struct tr_interned {
    const void *bytes;
    size_t n;
    uint32_t id;
};
bool tr_intern_next(const struct tr_intern *t, size_t *at, struct tr_interned *ret);

#endif
