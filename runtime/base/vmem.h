/* vmem.h - virtual memory: reserve, guard, give back.
 *
 * Pages are reserved without being committed (no swap accounting) and appear, zeroed, on first
 * touch.  All sizes and addresses are multiples of VM_PAGE. */
#ifndef BASE_VMEM_H
#define BASE_VMEM_H

#include <stdbool.h>
#include <stddef.h>

#define VM_PAGE 4096u

/* Reserves size bytes of zeroed, readable and writable memory.  Returns NULL when the kernel has
 * none to give. */
void *vm_reserve(size_t size);

/* Returns the whole range to the kernel. */
void vm_release(void *p, size_t size);

/* Drops the contents: the pages read as zero again and cost nothing until touched. */
void vm_discard(void *p, size_t size);

/* Makes [p, p+size) fault on access.  Uses MADV_GUARD_INSTALL (Linux 6.13) where the kernel has it,
 * which costs no mapping; else mprotect within a budget of mappings.  Returns false when neither
 * could be had; the range is then ordinary memory. */
bool vm_guard(void *p, size_t size);

#endif
