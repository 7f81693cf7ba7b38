/* idset.h - a set of ids that mostly are dense, such as those of goroutines: a bit each.
 *
 * Pages of bits, found by a map.  Nothing leaves it.  Zero bytes are an empty set. */
#ifndef IDSET_H
#define IDSET_H

#include <stdbool.h>
#include "idmap.h"

enum { IDSET_PAGE = 1 << 15, IDSET_WORD = 64 }; /* bits */

struct idset {
    struct idmap pages;
    uint64_t **words; /* by number of the page; IDSET_PAGE bits each */
    uint32_t cap;
};

static inline bool idset_has(const struct idset *s, uint64_t id)
{
    uint32_t page = idmap_find(&s->pages, id / IDSET_PAGE);
    uint64_t bit = id % IDSET_PAGE;
    return page != UINT32_MAX && s->words[page][bit / IDSET_WORD] >> bit % IDSET_WORD & 1;
}

static inline void idset_add(struct idset *s, uint64_t id)
{
    uint32_t before = s->pages.count, page = idmap_add(&s->pages, id / IDSET_PAGE);
    uint64_t bit = id % IDSET_PAGE;
    if (page == before) {
        if (page == s->cap) {
            s->cap = s->cap ? s->cap * 2 : 16;
            uint64_t **more = cmd_alloc(s->cap * sizeof(*more));
            if (page)
                memcpy(more, s->words, page * sizeof(*more));
            free(s->words);
            s->words = more;
        }
        s->words[page] = cmd_alloc(IDSET_PAGE / 8);
        memset(s->words[page], 0, IDSET_PAGE / 8);
    }
    s->words[page][bit / IDSET_WORD] |= 1ull << bit % IDSET_WORD;
}

static inline void idset_fini(struct idset *s)
{
    for (uint32_t i = 0; i < s->pages.count; i++)
        free(s->words[i]);
    free(s->words);
    idmap_fini(&s->pages);
    memset(s, 0, sizeof(*s));
}

#endif
