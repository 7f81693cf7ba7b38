/* journal.h - the last releases and acquires of each flow, for "Not ordered because".
 *
 * Every report can say that two accesses are not ordered; to say why, it needs to know what the
 * flows did with other flows of late.  Each context keeps its last few events; those of flows that
 * have ended stay for a while in a table of bounded size. */
#ifndef RC_JOURNAL_H
#define RC_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"

struct rc_ctx;

enum { JOURNAL_KEPT = RC_EVENTS_SHOWN }; /* of each kind; a power of 2 */

struct journal_entry {
    const void *obj;
    rc_site site;
    uint64_t epoch; /* in which it was made */
    enum rc_event_kind kind;
};

/* One writer, the flow; readers check the version. */
struct journal {
    uint32_t version; /* odd while it is being written [journal] */
    uint32_t n[2];    /* events so far: releases, acquires */
    struct journal_entry e[2][JOURNAL_KEPT];
};

/* c acquires something from obj, or releases its present to it: before its clock ticks and outside
 * rc_enter(). */
void journal_add(struct rc_ctx *c, enum rc_event_kind kind, const void *obj);

/* The place of what c does now, or where it waits. */
rc_site journal_site(const struct rc_ctx *c);

/* journal_add() for a place that is known; also inside rc_enter(). */
void journal_add_at(struct rc_ctx *c, enum rc_event_kind kind, const void *obj, rc_site site);

/* c has ended. */
void journal_end(const struct rc_ctx *c);

/* What the journals know of the order between the access of epoch `before`, made by *life, and the
 * present of c. */
void journal_between(const struct rc_ctx *c, const struct rc_life *life, uint64_t before,
                     struct rc_order_info *ret_info);

#endif
