/* record.h - the recorder's inside: what its files know of each other.
 *
 *   writer.c     events into a stream's chunk: the path that must be short
 *   recorder.c   the life of a recording: file, chunks, streams, end
 *   dict.c       definitions: stacks, strings, modules
 *   intern.c     the table that gives equal bytes the same number
 *
 * Lock order: dict_lock, then rec.lock.  Both are leaves for the host. */
#ifndef TR_RECORD_H
#define TR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
    uint64_t keys[TR_KEYS];
    uint32_t id, seq; /* of the stream in the file, of the next chunk in the stream */
    uint32_t m, tid;
    uint32_t forks; /* depth of forks in which chunk was taken: deeper, it is the parent's */
};

/* Makes room for one record in s, in the recording that runs.  s NULL: in the shared stream, which
 * is returned locked.  Returns NULL when nothing is to be recorded (any more). */
struct tr_stream *tr_enter_slow(struct tr_stream *s);

/* Unlocks the shared stream. */
void tr_leave_shared(void);

/* A chunk of the recording that runs, zeroed, for s with number stream and seq; its header is
 * complete.  Returns NULL, and has ended the recording, when there is none to be had.
 * Requires: rec.lock. */
struct tr_chunk_header *tr_chunk_take(uint32_t stream, uint32_t seq, const struct tr_stream *s);

/* The same, taking rec.lock, for the dictionary; NULL also when gen does not run any more. */
struct tr_chunk_header *tr_chunk_take_dict(uint32_t gen, uint32_t seq);

/* Ends a chunk: sums it up and unmaps it. */
void tr_chunk_finish(struct tr_chunk_header *c);

/* The counter and CLOCK_MONOTONIC at the same moment. */
struct tr_clock {
    uint64_t ticks; /* not shifted */
    int64_t mono;
};
struct tr_clock tr_clock_pair(void);

/* ---- dict.c ---- */

/* Begins the dictionary of recording gen in its first chunk, of size bytes, and forgets what
 * the last recording knew.  Requires: gen is not announced yet.  Returns false when memory or
 * file is short. */
bool tr_dict_begin(uint32_t gen, struct tr_chunk_header *first, size_t size);

/* Ids of a stack and a string, defined in the file before they are returned.  0: none to be had. */
uint32_t tr_dict_stack(const uintptr_t *pcs, size_t n);
uint32_t tr_dict_string(const char *text);

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

#endif
