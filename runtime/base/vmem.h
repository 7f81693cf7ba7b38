/* vmem.h - virtual memory: reserve, guard, give back.
 *
 * Pages are reserved without being committed (no swap accounting) and appear, zeroed, on first
 * touch.  All sizes and addresses are multiples of VM_PAGE. */
#ifndef BASE_VMEM_H
#define BASE_VMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_PAGE 4096u

/* Reserves size bytes of zeroed, readable and writable memory.  Returns NULL when the kernel has
 * none to give. */
void *vm_reserve(size_t size);

/* Returns the whole range to the kernel. */
void vm_release(void *p, size_t size);

/* Drops the contents: the pages read as zero again and cost nothing until touched.  Guards stay. */
void vm_discard(void *p, size_t size);

/* Makes the range as vm_reserve() returns it: contents, guards and page tables are gone, and no
 * other mapping can take its place meanwhile.  Returns false when the kernel cannot; the range must
 * then not be touched any more. */
bool vm_renew(void *p, size_t size);

/* Bytes of the range that are in memory.  The kernel walks the page tables, so this is for
 * questions of people.  ret_first, unless NULL: the lowest such address; p + size if there is
 * none. */
size_t vm_resident(void *p, size_t size, char **ret_first);

enum vm_guard {
    VM_NO_GUARD = 0, /* none could be had; the range is ordinary memory */
    VM_MARKED_GUARD, /* by MADV_GUARD_INSTALL (Linux 6.13), which costs no mapping */
    VM_MAPPED_GUARD, /* by mprotect(), within a budget of mappings */
};

/* Makes [p, p+size) fault on access. */
enum vm_guard vm_guard(void *p, size_t size);

/* n mapped guards are gone: their share of the budget is free again. */
void vm_guards_gone(uint32_t n);

/* For tests: from now on only mapped guards are made, budget of them. */
void vm_guard_limit(uint32_t budget);

/* The process runs on an emulator of user mode, which has threads of its own in it. */
bool vm_emulated(void);

/* Copies size bytes from p, which may be no memory at all: then false, and *ret is undefined. */
bool vm_read(void *ret, const void *p, size_t size);

#endif
