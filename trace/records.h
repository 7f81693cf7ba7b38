/* records.h - the coding of event records, both ways, driven by the letters of events.def.
 *
 * The reader decodes files with it, the flight recorder decodes its ring and writes what it keeps.
 * writer.c has its own, straight code for each event, since that path must be short; a unit test
 * holds the two against each other. */
#ifndef TR_RECORDS_H
#define TR_RECORDS_H

#include "format.h"
#include "tr.h"

/* What a record of some number looks like: from events.def, or a file's dictionary. */
struct event_def {
    uint8_t known; /* 0: a record of this number cannot be read; 1 understood; 2 readable */
    uint8_t context;
    char args[8];
};

/* events.def as a table. */
extern const struct event_def tr_event_defs[TR_HEAD_TYPE + 1];

/* State of the coding within a chunk. */
struct decoder {
    const uint8_t *at, *end;
    uint64_t ticks; /* of the last record */
    uint64_t last_g, cur_g;
    int32_t cur_p;
    uint64_t keys[TR_KEYS];
};

/* A record with its numbers in the order of its letters. */
struct record {
    enum tr_type type;
    uint64_t ticks;
    uint64_t ctx; /* what the context says, written or known */
    uint64_t args[sizeof(((struct event_def *)0)->args)];
};

/* At the first record of a chunk, whose bytes are [p, end). */
void tr_coding_begin(struct decoder *d, const struct tr_chunk_header *h, const uint8_t *p,
                     const uint8_t *end);

/* Decodes the record at d->at and moves on.  Returns false, with d->at unmoved, when it is none:
 * cut short, of an unknown number, or of a context that is not known here. */
bool tr_record_get(const struct event_def *defs, struct decoder *d, struct record *ret);

/* Puts r at p, which has TR_RECORD_MAX bytes of room; returns where it ends.  r->ticks is not
 * before d->ticks. */
uint8_t *tr_record_put(const struct event_def *defs, struct decoder *d, uint8_t *p,
                       const struct record *r);

/* What the stream knows after r.  Called after each of the two above. */
void tr_record_follow(struct decoder *d, const struct record *r);

/* Reads a LEB128 number of at most 64 bits; NULL when it does not end before end. */
const uint8_t *tr_get_leb(const uint8_t *p, const uint8_t *end, uint64_t *ret);

#endif
