/* dump.h - goroutines as text. */
#ifndef RT_DUMP_H
#define RT_DUMP_H

#include <stddef.h>
#include <stdint.h>
#include "g.h"

/* Writes every goroutine to fd, the running one (self, may be a stand-in or NULL) first. */
void dump_all(int fd, struct g *self);

/* Writes every goroutine but self to fd; when they are many, those in the same place once
 * (census.h), unless GOTRACEBACK=system.  Must run on a big stack. */
void dump_all_but(int fd, struct g *self);

/* Writes one goroutine with the stack pcs[0..n), where pcs[0] is a return address too.  Must run on
 * a big stack. */
void dump_goroutine(int fd, const struct g *g, const uintptr_t *pcs, size_t n);

/* Stores the stack of a goroutine that does not run, or asks the thread of one that does; returns
 * how many pcs, 0 when it cannot be had.  The first is a return address too. */
size_t dump_stack_of(const struct g *g, uintptr_t *pcs, size_t max);

/* Writes frames only. */
void dump_frames(int fd, const uintptr_t *pcs, size_t n);

/* Words by enum tr_reason; some are NULL. */
extern const char *const dump_reasons[];

/* Go's words for why a goroutine waits ("chan receive"). */
const char *dump_reason(uint32_t why);

/* Why g, which is parked, waits: the same, and whether it has no channel to wait for. */
const char *dump_wait_reason(const struct g *g);

#endif
