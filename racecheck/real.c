/* real.c - see real.h and real_names.h.
 *
 * The heap is glibc's by its second name (__libc_malloc), so that it is there from the first
 * instruction, before symbols can be looked up; dlsym() itself may ask for memory.  All others are
 * looked up in the next library at their first call; dlsym() uses none of them through us.
 *
 * pthread_cond_* has two versions on x86-64, and dlsym() would give the one of LinuxThreads. */
#include "real.h"
#include "atomic.h"
#include "check.h"
#include "heap.h"
#include "print.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t each);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);
void *__libc_memalign(size_t align, size_t n);
void *__libc_valloc(size_t n);
void *__libc_pvalloc(size_t n);

void *rt_real_malloc(size_t n)
{
    return __libc_malloc(n);
}

void *rt_real_calloc(size_t n, size_t each)
{
    return __libc_calloc(n, each);
}

void *rt_real_realloc(void *p, size_t n)
{
    return __libc_realloc(p, n);
}

void rt_free_forgotten(void *p)
{
    __libc_free(p);
}

/* Our own code's free.  The block may be one that a library or libc has asked our malloc for: a
 * list that libdw returned, the copy that strdup() made.  A block that stayed in the tables would
 * be taken for one that begins at the same address later, and its size for that one's. */
void rt_real_free(void *p)
{
    if (p)
        heap_remove((uintptr_t)p);
    __libc_free(p);
}

void *rt_real_memalign(size_t align, size_t n)
{
    return __libc_memalign(align, n);
}

void *rt_real_aligned_alloc(size_t align, size_t n)
{
    return __libc_memalign(align, n);
}

void *rt_real_valloc(size_t n)
{
    return __libc_valloc(n);
}

void *rt_real_pvalloc(size_t n)
{
    return __libc_pvalloc(n);
}

int rt_real_posix_memalign(void **ret_p, size_t align, size_t n)
{
    if (align == 0 || align % sizeof(void *) != 0 || (align & (align - 1)) != 0)
        return EINVAL;
    int saved = errno;
    void *p = __libc_memalign(align, n);
    errno = saved;
    if (!p)
        return ENOMEM;
    *ret_p = p;
    return 0;
}

void *rt_real_reallocarray(void *p, size_t n, size_t each)
{
    size_t all;
    if (__builtin_mul_overflow(n, each, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, all);
}

/* ---- all others ---- */

#if defined(__x86_64__)
static bool begins(const char *s, const char *with)
{
    while (*with)
        if (*s++ != *with++)
            return false;
    return true;
}
#endif

static void *look_up(const char *name)
{
    void *at = NULL;
#if defined(__x86_64__)
    if (begins(name, "pthread_cond_"))
        at = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
#endif
    if (!at)
        at = dlsym(RTLD_NEXT, name);
    if (!at) {
        rt_printf(2, "goshawk: this libc has no %s\n", name);
        abort();
    }
    return at;
}

/* relaxed: every thread that looks a name up finds the same address */
#define FIND(name)                                                                  \
    static __typeof__(&rt_real_##name) found;                                       \
    __typeof__(&rt_real_##name) real = at_load_rlx(&found); /* relaxed: as above */ \
    if (unlikely(!real)) {                                                          \
        real = (__typeof__(real))look_up(#name);                                    \
        at_store_rlx(&found, real); /* relaxed: as above */                         \
    }

#define REAL(result, name, parameters, arguments) \
    result rt_real_##name parameters              \
    {                                             \
        FIND(name)                                \
        return real arguments;                    \
    }
#define VOID(name, parameters, arguments) \
    void rt_real_##name parameters        \
    {                                     \
        FIND(name)                        \
        real arguments;                   \
    }
#define HEAP(result, name, parameters)
#include "real.def"
