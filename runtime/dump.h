/* dump.h - goroutines as text. */
#ifndef RT_DUMP_H
#define RT_DUMP_H

#include <stddef.h>
#include <stdint.h>
#include "g.h"

/* Writes every goroutine to fd, the running one (self, may be a stand-in or NULL) first. */
void dump_all(int fd, struct g *self);

/* Writes every goroutine but self to fd.  Must run on a big stack. */
void dump_all_but(int fd, struct g *self);

/* Writes one goroutine with the stack pcs[0..n), where pcs[0] is a return address too.  Must run on
 * a big stack. */
void dump_goroutine(int fd, const struct g *g, const uintptr_t *pcs, size_t n);

/* Writes frames only. */
void dump_frames(int fd, const uintptr_t *pcs, size_t n);

/* Go's words for why a goroutine waits ("chan receive"). */
const char *dump_reason(uint32_t why);

#endif
