/* vmem.c - see vmem.h.
 *
 * A guard made by mprotect splits a mapping, so it costs two of the process's vm.max_map_count
 * mappings.  A process that has used them all can neither map memory nor start threads, so guards
 * take half of them at most, and beyond that there are none. */
#include "vmem.h"
#include "atomic.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum { MAPS_USUAL = 65530, RESIDENT_STEP = 1024 };

static bool marks_refused; /* relaxed flag: set once a marked guard was refused or did not hold */
static uint32_t guards_mapped; /* mapped guards that there are; relaxed */
static uint32_t guards_budget; /* how many there may be; 0: not read yet; relaxed */

static void *map(void *at, size_t size, int flags)
{
    void *p = mmap(at, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *vm_reserve(size_t size)
{
    return map(NULL, size, 0);
}

void vm_release(void *p, size_t size)
{
    munmap(p, size);
}

void vm_discard(void *p, size_t size)
{
    madvise(p, size, MADV_DONTNEED);
}

bool vm_renew(void *p, size_t size)
{
    return map(p, size, MAP_FIXED) != NULL;
}

size_t vm_resident(void *p, size_t size, char **ret_first)
{
    unsigned char in[RESIDENT_STEP];
    size_t pages = size / VM_PAGE, count = 0;
    char *first = (char *)p + size;
    for (size_t at = 0; at < pages; at += RESIDENT_STEP) {
        size_t n = pages - at < RESIDENT_STEP ? pages - at : RESIDENT_STEP;
        char *from = (char *)p + at * VM_PAGE;
        if (mincore(from, n * VM_PAGE, in) != 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            if (!(in[i] & 1))
                continue;
            if (count++ == 0)
                first = from + i * VM_PAGE;
        }
    }
    if (ret_first)
        *ret_first = first;
    return count * VM_PAGE;
}

/* ---- guards ---- */

static uint32_t read_max_map_count(void)
{
    char text[16];
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    uint32_t count = 0;
    for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9' && count < 1u << 28; i++)
        count = count * 10 + (uint32_t)(text[i] - '0');
    return count ? count : MAPS_USUAL;
}

static uint32_t budget(void)
{
    uint32_t n = at_load_rlx(&guards_budget); /* relaxed: everybody would read the same */
    if (n == 0) {
        n = read_max_map_count() / 4 + 1;
        at_store_rlx(&guards_budget, n); /* relaxed: see above */
    }
    return n;
}

void vm_guards_gone(uint32_t n)
{
    at_sub_rlx(&guards_mapped, n); /* relaxed: only a budget */
}

void vm_guard_limit(uint32_t n)
{
    at_store_rlx(&marks_refused, true);  /* relaxed: by tests, before other threads */
    at_store_rlx(&guards_budget, n + 1); /* relaxed: likewise */
    at_store_rlx(&guards_mapped, 0u);    /* relaxed: likewise */
}

static bool map_guard(void *p, size_t size)
{
    uint32_t before = at_add_rlx(&guards_mapped, 1u); /* relaxed: only a budget */
    if (before + 1 < budget() && mprotect(p, size, PROT_NONE) == 0)
        return true;
    vm_guards_gone(1);
    return false;
}

/* Whether the kernel itself cannot write to p.  Emulators of user mode say yes to every advice they
 * do not know, and do nothing. */
static bool is_out_of_reach(void *p)
{
    return syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p) != 0;
}

static bool mark_guard(void *p, size_t size)
{
    static uint32_t seen; /* relaxed flag: a guard has been tried, and holds */
    if (madvise(p, size, MADV_GUARD_INSTALL) != 0)
        return false;
    if (!at_load_rlx(&seen)) { /* relaxed: looking once more does no harm */
        int saved = errno;
        bool holds = is_out_of_reach(p);
        errno = saved;
        at_store_rlx(&seen, (uint32_t)holds); /* relaxed: see above */
        return holds;
    }
    return true;
}

enum vm_guard vm_guard(void *p, size_t size)
{
    if (!at_load_rlx(&marks_refused)) { /* relaxed: trying once more does no harm */
        if (mark_guard(p, size))
            return VM_MARKED_GUARD;
        at_store_rlx(&marks_refused, true); /* relaxed: see above */
    }
    return map_guard(p, size) ? VM_MAPPED_GUARD : VM_NO_GUARD;
}

/* A kernel refuses an advice that does not exist. */
bool vm_emulated(void)
{
    return madvise(NULL, 0, 12345) == 0;
}

/* The kernel copies, so that a bad address is an error and not a signal. */
bool vm_read(void *ret, const void *p, size_t size)
{
    struct iovec to = {ret, size}, from = {(void *)(uintptr_t)p, size};
    ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (n >= 0)
        return (size_t)n == size;
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC); /* where the call is forbidden */
    n = fd < 0 ? -1 : pread(fd, ret, size, (off_t)(uintptr_t)p);
    if (fd >= 0)
        close(fd);
    return n >= 0 && (size_t)n == size;
}
