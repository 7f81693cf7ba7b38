/* int_load.c - interceptors of what loads and unloads libraries.
 *
 * libc's loader has a lock of its own, which it holds while the constructors and destructors of
 * libraries run: they know what those before them did, and who gets a library knows what its
 * constructors did.  Nobody outside sees that lock, so there is one of ours around it [loader],
 * which can be taken again by its owner as libc's can.
 *
 * A library's memory ends with it.  What is no longer there after a dlclose() is forgotten, still
 * under the lock, so that no library that is loaded in the same place is touched; its file is
 * remembered, for the names of the code that was in it.
 *
 * libc looks at the caller's address when it has to search for a name.  So for a caller in another
 * file than this one the call is handed on by a jump, as compilers make it of a last call when they
 * optimise (without, libc searches as for this file).  What its constructors do is ordered after
 * what was done under the lock before, but nobody is ordered after them by it. */
#include "dso.h"
#include "intercept.h"
#include "symbol.h"
#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t loader = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static uint64_t loaded; /* the clock of the lock */

static __attribute__((constructor(101))) void name_objects(void)
{
    rc_name_objects(&loaded, sizeof loaded, "the lock of dlopen() and dlclose()");
}

/* libc does the same with its own. */
void load_forked(void)
{
    loader = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

static void take(void)
{
    rt_real_pthread_mutex_lock(&loader);
    rc_acquire(watched(), &loaded); /* [loader] */
}

static void drop(void)
{
    rc_release_merge(watched(), &loaded); /* [loader] */
    rt_real_pthread_mutex_unlock(&loader);
}

/* Is pc in the file that this code is in? */
static bool is_at_home(uintptr_t pc)
{
    Dl_info here, there;
    return dladdr((void *)is_at_home, &here) && dladdr((void *)pc, &there) &&
           here.dli_fbase == there.dli_fbase;
}

/* A name to search for, or one with $ORIGIN in it. */
static bool asks_for_caller(const char *path)
{
    return path && (!rt_real_strchr(path, '/') || rt_real_strchr(path, '$'));
}

INTERCEPT(void *, dlopen, (const char *path, int flags))
{
    static void *(*real)(const char *, int);
    struct rc_ctx *c = watched_from(PC);
    if (!real)
        real = (__typeof__(real))dlsym(RTLD_NEXT, "dlopen");
    if (c && path)
        saw_read(c, path, rt_real_strlen(path) + 1, PC);
    take();
    if (asks_for_caller(path) && !is_at_home(PC)) {
        drop();
        return real(path, flags);
    }
    void *library = real(path, flags);
    drop();
    return library;
}

/* Those of before that are gone. */
static void forget(const struct dso_list *before)
{
    struct dso_list now;
    dso_list(&now);
    for (size_t i = 0; i < before->n; i++) {
        const struct dso *d = &before->at[i];
        if (dso_find(&now, d))
            continue;
        symbol_unloaded(d);
        if (!dso_overlaps(&now, d->lo, d->size))
            rc_mem_fresh((const void *)d->lo, d->size);
    }
    dso_list_fini(&now);
}

INTERCEPT(int, dlclose, (void *library))
{
    static int (*real)(void *);
    struct dso_list before;
    if (!real)
        real = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
    take();
    dso_list(&before);
    int err = real(library);
    intercept_forget_modules();
    forget(&before);
    dso_list_fini(&before);
    drop();
    return err;
}
