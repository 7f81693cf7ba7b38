/* quarantine.h - freed blocks that libc does not get back yet, so that later uses can be told for
 * sure.
 *
 * While a block is here nobody else can have its memory: who reads or writes it uses it after it
 * was freed, and the shadow still holds the free.  GORACE=quarantine_size_mb bounds them. */
#ifndef RC_QUARANTINE_H
#define RC_QUARANTINE_H

#include <stddef.h>

/* The size of the largest blocks that are kept; 0: none is. */
size_t quarantine_limit(void);

/* Takes a block of n bytes of which heap_free() says HEAP_KEPT.  Gives others back to libc. */
void quarantine_put(void *p, size_t n);

/* The calling thread ends: what it freed last stays, with what others did. */
void quarantine_thread_fini(void);

/* Around fork(): no other thread is inside. */
void quarantine_hold(void);
void quarantine_let_go(void);

#endif
