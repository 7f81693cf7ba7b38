/* vmem.c - see vmem.h.
 *
 * A guard made by mprotect splits a mapping, so it costs two of the process's vm.max_map_count
 * mappings; guards stop when half of the usual limit is spent, because a process that has used
 * them all can neither map memory nor start threads. */
#include "vmem.h"
#include "atomic.h"
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { GUARD_BUDGET = 16000 };

static int no_guard_install;  /* relaxed flag: set once the kernel refused */
static uint32_t guards_spent; /* mprotect guards made so far */

void *vm_reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void vm_release(void *p, size_t size)
{
    munmap(p, size);
}

void vm_discard(void *p, size_t size)
{
    madvise(p, size, MADV_DONTNEED);
}

bool vm_guard(void *p, size_t size)
{
    if (!at_load_rlx(&no_guard_install)) { /* relaxed: trying once more does no harm */
        if (madvise(p, size, MADV_GUARD_INSTALL) == 0)
            return true;
        at_store_rlx(&no_guard_install, 1); /* relaxed: see above */
    }
    if (at_add_rlx(&guards_spent, 1u) >= GUARD_BUDGET) /* relaxed: only a budget */
        return false;
    return mprotect(p, size, PROT_NONE) == 0;
}
