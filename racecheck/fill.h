/* fill.h - pages of which every word has the same one access recorded.
 *
 * A free is a write of the whole block.  Where the block lies on pages that no access ever came to
 * there is nothing to check, and 8 KiB of cells for each page would say the same thing 512 times.
 * Such a page's word (owner.h) says OWNER_FILLED and the number of a fill instead, which holds the
 * access.  Who wants to change a cell of it spreads the fill first. */
#ifndef RC_FILL_H
#define RC_FILL_H

#include "cell.h"
#include "owner.h"

/* The state of all words of a page that was never used becomes access a, which is to whole words;
 * base is the region's shadow.  False: the page was used, or there are too many fills; nothing was
 * done.  a->fill remembers the fill for the next page, until fill_done(). */
bool fill_page(uint32_t *page, uintptr_t base, struct access *a);

/* a comes to no further page. */
void fill_done(const struct access *a);

/* The page, if it is filled, is so no longer: its cells say it, and it is shared. */
void fill_spread(uint32_t *page);

/* The page, if it is filled, counts as never used.  Returns whether it was. */
bool fill_drop(uint32_t *page);

/* The access word of the fill that a page's word names.  Requires: the page is borrowed. */
uint64_t fill_access(uint32_t word);

/* Fills in use. */
uint32_t fill_count(void);

#endif
