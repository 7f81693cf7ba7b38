/* lockset.h - which locks were held at an access, as a part of its stack's id.
 *
 * A set of held locks is interned and gets a number; the access's node of the calling-context tree
 * is then a last child of the stack's own node, whose pc is that number (CALLS_MARK).  So an access
 * says for ever under which locks it was made, and one made under none costs nothing. */
#ifndef RC_LOCKSET_H
#define RC_LOCKSET_H

#include "calls.h"
#include "report.h"

/* The child of node for the n locks held (n > RC_LOCKS_SHOWN: only so many are kept), which must
 * not be 0.  When the tables are full it stands for a set that is not remembered. */
uint32_t lockset_node(uint32_t node, const struct rc_held_lock *held, unsigned n);

/* site without the locks, and what it says of them. */
rc_site lockset_strip(rc_site site);
void lockset_of(rc_site site, struct rc_access_info *ret_info);

/* Sets made so far. */
uint32_t lockset_count(void);

#endif
