/* int_heap.c - interceptors of malloc and its kin, mmap and munmap and mremap.
 *
 * What a block's beginning and end mean is in block.c.  realloc() of a block that must move is made
 * of malloc and free, so that the old place goes to the quarantine too.
 *
 * A free by a library that is not checked tells no race (its reasons are not visible) but
 * forgets. */
#include "block.h"
#include "intercept.h"
#include "quarantine.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <malloc.h>
#include <sys/mman.h>

/* Nobody may look into memory before it was given out: no order is needed for fresh blocks. */
static void *given(void *p, size_t n, uintptr_t pc)
{
    if (p)
        block_given(rc_current(), p, n, pc);
    return p;
}

/* A second free is reported, and no more. */
static void give_back(void *p, uintptr_t pc)
{
    size_t n;
    enum heap_fate fate = block_freed(watched_from(pc), p, quarantine_limit(), &n, pc);
    block_leaves(p, n, fate);
}

INTERCEPT(void *, malloc, (size_t n))
{
    return given(rt_real_malloc(n), n, PC);
}

INTERCEPT(void *, calloc, (size_t n, size_t each))
{
    return given(rt_real_calloc(n, each), n * each, PC);
}

INTERCEPT(void, free, (void *p))
{
    if (p)
        give_back(p, PC);
}

INTERCEPT(void, cfree, (void *p))
{
    if (p)
        give_back(p, PC);
}

/* realloc() of a block of `was` bytes by hand. */
static void *moved(void *p, size_t was, size_t n, uintptr_t pc)
{
    void *q = given(rt_real_malloc(n), n, pc);
    if (!q)
        return NULL;
    rt_real_memcpy(q, p, was < n ? was : n);
    give_back(p, pc);
    return q;
}

/* libc could not keep the block at p in its place, and it is one for the quarantine; or is
 * there. */
static bool must_move(void *p, size_t n, size_t *ret_was, uintptr_t pc)
{
    if (heap_size((uintptr_t)p, ret_was))
        return watched_from(pc) && *ret_was - 1 < quarantine_limit() &&
               n > rt_real_malloc_usable_size(p);
    return heap_kept_size((uintptr_t)p, ret_was);
}

/* The old block is freed and a new one given, also when libc keeps the place. */
static void *resized(void *p, size_t n, uintptr_t pc)
{
    size_t was;
    if (!p)
        return given(rt_real_malloc(n), n, pc);
    if (n == 0) { /* as glibc does */
        give_back(p, pc);
        return NULL;
    }
    if (must_move(p, n, &was, pc))
        return moved(p, was, n, pc);
    block_freed(watched_from(pc), p, 0, &was, pc);
    void *q = rt_real_realloc(p, n);
    if (!q) { /* no memory: the old block lives on, with its past forgotten */
        int saved = errno;
        given(p, malloc_usable_size(p), pc);
        errno = saved;
        return NULL;
    }
    return given(q, n, pc);
}

INTERCEPT(void *, realloc, (void *p, size_t n))
{
    return resized(p, n, PC);
}

INTERCEPT(void *, reallocarray, (void *p, size_t n, size_t each))
{
    size_t all;
    if (__builtin_mul_overflow(n, each, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return resized(p, all, PC);
}

INTERCEPT(void *, memalign, (size_t align, size_t n))
{
    return given(rt_real_memalign(align, n), n, PC);
}

INTERCEPT(void *, aligned_alloc, (size_t align, size_t n))
{
    return given(rt_real_aligned_alloc(align, n), n, PC);
}

INTERCEPT(void *, valloc, (size_t n))
{
    return given(rt_real_valloc(n), n, PC);
}

INTERCEPT(void *, pvalloc, (size_t n))
{
    return given(rt_real_pvalloc(n), n, PC);
}

INTERCEPT(int, posix_memalign, (void **ret_p, size_t align, size_t n))
{
    int err = rt_real_posix_memalign(ret_p, align, n);
    if (err == 0) {
        saw_write(watched_from(PC), ret_p, sizeof *ret_p, PC);
        given(*ret_p, n, PC);
    }
    return err;
}

/* A program that uses all that libc rounds up to would use bytes that are not fresh with the block
 * and that a free does not write.  So a block has the size that was asked for. */
INTERCEPT(size_t, malloc_usable_size, (void *p))
{
    size_t n;
    return heap_size((uintptr_t)p, &n) ? n : rt_real_malloc_usable_size(p);
}

/* strdup's malloc would be libc's own call, with libc's pc: the block shall be the caller's. */
static char *duplicate(const char *s, size_t n, bool whole, uintptr_t pc)
{
    char *copy = given(rt_real_malloc(n + 1), n + 1, pc);
    struct rc_ctx *c = watched_from(pc);
    if (!copy)
        return NULL;
    saw_read(c, s, n + whole, pc);
    saw_write(c, copy, n + 1, pc);
    rt_real_memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

INTERCEPT(char *, strdup, (const char *s))
{
    return duplicate(s, rt_real_strlen(s), true, PC);
}

INTERCEPT(char *, __strdup, (const char *s))
{
    return duplicate(s, rt_real_strlen(s), true, PC);
}

INTERCEPT(char *, strndup, (const char *s, size_t max))
{
    size_t n = rt_real_strnlen(s, max);
    return duplicate(s, n, n < max, PC);
}

INTERCEPT(char *, __strndup, (const char *s, size_t max))
{
    size_t n = rt_real_strnlen(s, max);
    return duplicate(s, n, n < max, PC);
}

/* ---- mappings ---- */

static void *mapped(void *p, size_t n)
{
    if (p != MAP_FAILED && rc_current())
        rc_mem_fresh(p, n);
    return p;
}

INTERCEPT(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at))
{
    return mapped(rt_real_mmap(p, n, prot, flags, fd, at), n);
}

INTERCEPT(void *, mmap64, (void *p, size_t n, int prot, int flags, int fd, off64_t at))
{
    return mapped(rt_real_mmap64(p, n, prot, flags, fd, at), n);
}

/* Told before: afterwards somebody else may have the addresses. */
INTERCEPT(int, munmap, (void *p, size_t n))
{
    if (rc_current())
        rc_mem_fresh(p, n);
    return rt_real_munmap(p, n);
}

/* What moves is another mapping to those who have the old address; what is added is new. */
INTERCEPT(void *, mremap, (void *p, size_t was, size_t n, int flags, ...))
{
    va_list ap;
    va_start(ap, flags);
    void *to = flags & MREMAP_FIXED ? va_arg(ap, void *) : NULL;
    va_end(ap);
    void *q = rt_real_mremap(p, was, n, flags, to);
    if (q == MAP_FAILED || !rc_current())
        return q;
    if (q != p) {
        if (!(flags & MREMAP_DONTUNMAP))
            rc_mem_fresh(p, was);
        rc_mem_fresh(q, n);
    } else if (n < was) {
        rc_mem_fresh((char *)p + n, was - n);
    } else {
        rc_mem_fresh((char *)p + was, n - was);
    }
    return q;
}
