/* intercept.c - whose calls count; see intercept.h.
 *
 * A module is checked when it is the program itself, or a library whose table of dynamic symbols
 * asks for __tsan_func_entry.  What was found out about libraries is kept in a small table, written
 * under a lock and read without: an entry's range is written before its count [modules]. */
#include "intercept.h"
#include "ctx.h"
#include "flags.h"
#include "futex.h"
#include "suppress.h"
#include <elf.h>
#include <link.h>
#include <string.h>

uintptr_t intercept_lo, intercept_size;

enum { MODULES_KEPT = 128 };

static struct {
    struct rt_lock lock;
    uint32_t n; /* [modules] */
    struct {
        uintptr_t lo, size;
        bool checked;
    } seen[MODULES_KEPT];
} modules;

/* Addresses in the dynamic section are absolute, but for some that the loader leaves as they
 * are. */
static const void *at(const struct dl_phdr_info *info, ElfW(Addr) p)
{
    return (const void *)(p < info->dlpi_addr ? info->dlpi_addr + p : p);
}

/* How many symbols there are that the hash table does not list: those asked for come first. */
static uint32_t undefined_symbols(const uint32_t *gnu_hash)
{
    return gnu_hash ? gnu_hash[1] : 0;
}

static bool asks_for_detector(const struct dl_phdr_info *info, const ElfW(Dyn) * d)
{
    const ElfW(Sym) *syms = NULL;
    const char *names = NULL;
    uint32_t n = 0;
    for (; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_SYMTAB)
            syms = at(info, d->d_un.d_ptr);
        else if (d->d_tag == DT_STRTAB)
            names = at(info, d->d_un.d_ptr);
        else if (d->d_tag == DT_GNU_HASH)
            n = undefined_symbols(at(info, d->d_un.d_ptr));
    }
    for (uint32_t i = 1; syms && names && i < n; i++)
        if (strcmp(names + syms[i].st_name, "__tsan_func_entry") == 0)
            return true;
    return false;
}

struct question {
    uintptr_t pc;
    uintptr_t lo, size;  /* of the module with pc; size 0: none */
    bool checked, first; /* first: the next module is the program */
    bool program;
};

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct question *q = arg;
    const ElfW(Dyn) *dynamic = NULL;
    uintptr_t lo = UINTPTR_MAX, hi = 0;
    bool program = q->first;
    (void)size;
    q->first = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_DYNAMIC)
            dynamic = (const void *)(info->dlpi_addr + ph->p_vaddr);
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        uintptr_t start = info->dlpi_addr + ph->p_vaddr;
        lo = start < lo ? start : lo;
        hi = start + ph->p_memsz > hi ? start + ph->p_memsz : hi;
    }
    if (q->pc - lo >= hi - lo)
        return 0;
    q->lo = lo;
    q->size = hi - lo;
    q->program = program;
    q->checked = program || (dynamic && asks_for_detector(info, dynamic));
    if (rc_suppress_any(RC_SUPPRESS_LIB) && rc_suppressed(RC_SUPPRESS_LIB, info->dlpi_name))
        q->checked = false;
    return 1;
}

/* A reader that sees only one of the two stores comes here again. */
static void know_program(const struct question *q)
{
    at_store_rlx(&intercept_lo, q->lo);     /* relaxed: as above */
    at_store_rlx(&intercept_size, q->size); /* relaxed: as above */
}

bool intercept_checked(uintptr_t pc)
{
    uint32_t n = at_load_acq(&modules.n); /* [modules] */
    for (uint32_t i = 0; i < n; i++)
        if (pc - modules.seen[i].lo < modules.seen[i].size)
            return modules.seen[i].checked;
    struct rc_thread was = rc_enter();
    struct question q = {.pc = pc, .first = true};
    dl_iterate_phdr(look, &q);
    if (q.program)
        know_program(&q);
    rt_lock(&modules.lock);
    n = at_load_rlx(&modules.n); /* relaxed: written under the lock */
    if (q.size && n < MODULES_KEPT) {
        modules.seen[n].lo = q.lo;
        modules.seen[n].size = q.size;
        modules.seen[n].checked = q.checked;
        at_store_rel(&modules.n, n + 1); /* [modules] */
    }
    rt_unlock(&modules.lock);
    rc_leave(was);
    return q.checked;
}

void intercept_forget_modules(void)
{
    at_store_rel(&modules.n, 0u); /* [modules] */
}
