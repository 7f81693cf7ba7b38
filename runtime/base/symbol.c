/* symbol.c - see symbol.h.
 *
 * Each file with code (program or library) is a struct module, opened at the first look-up that
 * needs it and kept until the process ends, so that the strings handed out stay valid.  A module is
 * known by path, build-id and base: the load bias for this process's own files, 0 for files that a
 * tool reads.  Its Dwfl holds exactly that one module at exactly that base, so that addresses go in
 * as they are; the list of the process's modules comes from dl_iterate_phdr(), which unlike
 * /proc/self/maps knows the extent of .bss.  A file whose build-id is not the one in memory (or in
 * the trace) has been rebuilt: its symbols would be lies, and it gives none.
 *
 * Inlined frames.  dwarf_getscopes() finds the innermost scope; its chain of parents in the tree of
 * DIEs then crosses one DW_TAG_inlined_subroutine for each inlined call, which names the callee and
 * the call's place in the caller.  (The chain that dwarf_getscopes() itself returns is the lexical
 * one, of the callee's definition.)  The line table gives the place in the innermost one.
 *
 * clang writes no .debug_aranges, so the compilation unit of an address is searched by its ranges
 * where libdw's own index knows nothing; the unit found last is tried first.
 *
 * Debuginfod is never asked: a crash dump must not wait for a server.
 *
 * Where memory is short nothing is looked up.  libdw ends the process when an allocation fails, or
 * goes on with what it did not get, and a message about memory that has run out must come to its
 * end: so there must be room for what a look-up may take before one begins.
 *
 * Lock: `busy` guards everything.  The thread that holds it may fault inside libdw and come back
 * from a crash handler; it then gets "?" and not a deadlock. */
#include "symbol_inner.h"
#include "atomic.h"
#include "check.h"
#include "dso.h"
#include "futex.h"
#include "vmem.h"
#include <dwarf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROOM_NEEDED = 64 << 20 }; /* for a large program's debug information, decompressed */

static struct {
    struct rt_lock busy;
    pid_t owner; /* thread that holds busy, or 0 */
    struct module *modules;
} sym;

static bool memory_is_short(void)
{
    void *room = vm_reserve(ROOM_NEEDED);
    if (room)
        vm_release(room, ROOM_NEEDED);
    return !room;
}

bool symbol_enter(void)
{
    pid_t me = (pid_t)syscall(SYS_gettid);
    if (at_load_rlx(&sym.owner) == me) /* relaxed: only this thread stores its own id */
        return false;
    if (memory_is_short())
        return false;
    rt_lock(&sym.busy);
    at_store_rlx(&sym.owner, me); /* relaxed: read for equality with the reader's own id */
    return true;
}

void symbol_leave(void)
{
    at_store_rlx(&sym.owner, 0); /* relaxed: as above */
    rt_unlock(&sym.busy);
}

/* ---- modules ---- */

/* Separate debug files of this machine only; the standard search ends with a server if one is
 * set. */
static int find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
                          const char *file, const char *link, GElf_Word crc, char **ret_path)
{
    if (getenv("DEBUGINFOD_URLS"))
        return dwfl_build_id_find_debuginfo(mod, userdata, name, base, file, link, crc, ret_path);
    return dwfl_standard_find_debuginfo(mod, userdata, name, base, file, link, crc, ret_path);
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = find_debuginfo,
};

static bool same_build_id(Dwfl_Module *mod, const unsigned char *id, size_t len)
{
    const unsigned char *bits;
    GElf_Addr where;
    int n = dwfl_module_build_id(mod, &bits, &where);
    return len == 0 || (n == (int)len && memcmp(bits, id, len) == 0);
}

static void module_load(struct module *m)
{
    m->dwfl = dwfl_begin(&callbacks);
    if (!m->dwfl)
        return;
    dwfl_report_begin(m->dwfl);
    Dwfl_Module *mod = dwfl_report_elf(m->dwfl, m->path, m->path, -1, m->base, true);
    dwfl_report_end(m->dwfl, NULL, NULL);
    if (mod && same_build_id(mod, m->id, m->id_len))
        m->mod = mod;
}

/* The module of that identity, opened if need be.  NULL: no memory. */
static struct module *module_get(const char *path, uintptr_t base, const unsigned char *id,
                                 size_t len)
{
    len = len < BUILD_ID_MAX ? len : BUILD_ID_MAX;
    for (struct module *m = sym.modules; m; m = m->next)
        if (m->base == base && m->id_len == len && (len == 0 || memcmp(m->id, id, len) == 0) &&
            strcmp(m->path, path) == 0)
            return m;
    struct module *m = calloc(1, sizeof *m);
    if (!m || !(m->path = strdup(path))) {
        free(m);
        return NULL;
    }
    m->base = base;
    m->id_len = len;
    if (len)
        memcpy(m->id, id, len);
    module_load(m);
    m->next = sym.modules;
    sym.modules = m;
    return m;
}

struct loaded {
    uintptr_t addr;
    struct module *ret_module;
};

/* Files that are not loaded any more. */
enum { GONE_KEPT = 64 };
static struct dso gone[GONE_KEPT]; /* size 0: none; guarded by busy */
static unsigned n_gone;            /* places used so far; likewise */

void symbol_unloaded(const struct dso *d)
{
    char *path = strdup(d->path);
    if (!path || !symbol_enter()) {
        free(path);
        return;
    }
    unsigned i = 0;
    while (i < GONE_KEPT && (gone[i].lo >= d->lo + d->size || d->lo >= gone[i].lo + gone[i].size))
        i++;
    struct dso *to = &gone[i < GONE_KEPT ? i : n_gone++ % GONE_KEPT];
    free(to->path);
    *to = *d;
    to->path = path;
    symbol_leave();
}

static struct module *gone_module(uintptr_t addr)
{
    for (const struct dso *d = gone; d < gone + GONE_KEPT; d++)
        if (addr - d->lo < d->size)
            return module_get(d->path, d->base, d->id, d->id_len);
    return NULL;
}

/* dl_iterate_phdr callback: is the address in one of this module's segments? */
static int find_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct loaded *l = arg;
    bool inside = false;
    const unsigned char *id;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_LOAD && l->addr - info->dlpi_addr - ph->p_vaddr < ph->p_memsz)
            inside = true;
    }
    if (!inside)
        return 0;
    size_t id_len = dso_build_id(info, &id);
    const char *path = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
    l->ret_module = module_get(path, info->dlpi_addr, id, id_len);
    return 1;
}

struct module *symbol_module(uintptr_t addr)
{
    struct loaded l = {.addr = addr};
    if (!dl_iterate_phdr(find_loaded, &l))
        l.ret_module = gone_module(addr);
    return l.ret_module && l.ret_module->mod ? l.ret_module : NULL;
}

/* ---- code ---- */

Dwarf_Die symbol_whole_unit(Dwarf_Die *cu)
{
    Dwarf_Die rest;
    bool split = dwarf_cu_info(cu->cu, NULL, NULL, NULL, &rest, NULL, NULL, NULL) == 0 && rest.addr;
    return split ? rest : *cu;
}

/* The compilation unit that holds addr. */
Dwarf_Die *symbol_unit(struct module *m, uintptr_t addr, Dwarf_Addr *ret_bias)
{
    *ret_bias = m->last_bias;
    if (m->has_last && dwarf_haspc(&m->last, addr - m->last_bias) > 0)
        return &m->last;
    Dwarf_Die *cu = dwfl_module_addrdie(m->mod, addr, ret_bias);
    if (!cu || dwarf_haspc(cu, addr - *ret_bias) <= 0)
        for (cu = NULL; (cu = dwfl_module_nextcu(m->mod, cu, ret_bias));)
            if (dwarf_haspc(cu, addr - *ret_bias) > 0)
                break;
    if (!cu)
        return NULL;
    m->last = symbol_whole_unit(cu);
    m->last_bias = *ret_bias;
    m->has_last = true;
    return &m->last;
}

static void set_place(struct symbol_frame *f, Dwarf_Die *cu, Dwarf_Addr pc)
{
    Dwarf_Line *line = dwarf_getsrc_die(cu, pc);
    if (!line)
        return;
    f->file = dwarf_linesrc(line, NULL, NULL);
    dwarf_lineno(line, &f->line);
    dwarf_linecol(line, &f->column);
}

int symbol_die_number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    Dwarf_Word v;
    return dwarf_attr_integrate(die, name, &attr) && dwarf_formudata(&attr, &v) == 0 ? (int)v : 0;
}

/* Not dwarf_decl_file(): it takes index 0 for "unknown", which in DWARF 5 is the unit's own
 * file. */
const char *symbol_unit_file(Dwarf_Die *cu, int index)
{
    Dwarf_Files *files;
    size_t n;
    if (dwarf_getsrcfiles(cu, &files, &n) != 0 || index < 0 || (size_t)index >= n)
        return NULL;
    return dwarf_filesrc(files, (size_t)index, NULL, NULL);
}

/* Makes *f the place from which the inlined function was called. */
static void set_call_place(struct symbol_frame *f, Dwarf_Die *cu, Dwarf_Die *inlined)
{
    f->file = symbol_unit_file(cu, symbol_die_number(inlined, DW_AT_call_file));
    f->line = symbol_die_number(inlined, DW_AT_call_line);
    f->column = symbol_die_number(inlined, DW_AT_call_column);
}

const char *symbol_die_name(Dwarf_Die *die)
{
    const char *name = dwarf_diename(die);
    return name ? name : "?";
}

/* Walks from the innermost scope outwards, a frame for each function; 0: no function is known. */
static size_t frames_of_scopes(Dwarf_Die *cu, Dwarf_Die *scopes, int n, Dwarf_Addr pc,
                               struct symbol_frame *frames, size_t max)
{
    size_t got = 0;
    struct symbol_frame f = {0};
    set_place(&f, cu, pc);
    for (int i = 0; i < n && got < max; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
            continue;
        f.function = symbol_die_name(&scopes[i]);
        f.inlined = tag == DW_TAG_inlined_subroutine;
        frames[got++] = f;
        if (!f.inlined)
            break;
        set_call_place(&f, cu, &scopes[i]);
    }
    return got;
}

/* ---- scopes ---- */

/* A function below die that holds pc. */
static bool find_function(Dwarf_Die *die, Dwarf_Addr pc, Dwarf_Die *ret)
{
    Dwarf_Die child;
    for (int r = dwarf_child(die, &child); r == 0; r = dwarf_siblingof(&child, &child)) {
        int tag = dwarf_tag(&child);
        if (tag == DW_TAG_subprogram && dwarf_haspc(&child, pc) > 0) {
            *ret = child;
            return true;
        }
        if ((tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block) &&
            find_function(&child, pc, ret))
            return true;
    }
    return false;
}

/* From a scope that holds pc to the innermost one below it. */
static void descend(Dwarf_Die *die, Dwarf_Addr pc)
{
    Dwarf_Die child;
    for (int r = dwarf_child(die, &child); r == 0;) {
        if (dwarf_haspc(&child, pc) > 0) {
            *die = child;
            r = dwarf_child(die, &child);
        } else {
            r = dwarf_siblingof(&child, &child);
        }
    }
}

/* dwarf_getscopes() follows what holds pc from the outside.  But functions that gcc made of a part
 * of another one (OpenMP), and functions within functions, stand below that one, whose code they
 * are not. */
int symbol_scopes(Dwarf_Die *cu, Dwarf_Addr pc, Dwarf_Die **ret_scopes)
{
    Dwarf_Die *lexical, innermost;
    bool found = dwarf_getscopes(cu, pc, &lexical) > 0;
    if (found) {
        innermost = lexical[0];
        free(lexical);
    }
    if (!found || dwarf_tag(&innermost) == DW_TAG_compile_unit) {
        if (!find_function(cu, pc, &innermost))
            return 0;
        descend(&innermost, pc);
    }
    return dwarf_getscopes_die(&innermost, ret_scopes);
}

/* ---- frames ---- */

static size_t frames_by_dwarf(struct module *m, uintptr_t pc, struct symbol_frame *frames,
                              size_t max)
{
    Dwarf_Addr bias;
    Dwarf_Die *cu = symbol_unit(m, pc, &bias), *chain;
    if (!cu)
        return 0;
    int n = symbol_scopes(cu, pc - bias, &chain);
    size_t got = n > 0 ? frames_of_scopes(cu, chain, n, pc - bias, frames, max) : 0;
    if (n > 0)
        free(chain);
    if (got == 0) /* assembly: lines, no functions */
        set_place(&frames[0], cu, pc - bias);
    return got;
}

static size_t frames_in(struct module *m, uintptr_t pc, struct symbol_frame *frames, size_t max)
{
    frames[0] = (struct symbol_frame){.function = "?"};
    if (!m)
        return 1;
    size_t n = frames_by_dwarf(m, pc, frames, max);
    if (n > 0)
        return n;
    const char *name = dwfl_module_addrname(m->mod, pc);
    frames[0].function = name ? name : "?";
    return 1;
}

size_t symbol_frames(uintptr_t pc, struct symbol_frame *ret_frames, size_t max)
{
    rt_check(max > 0);
    if (!symbol_enter())
        return frames_in(NULL, pc, ret_frames, max);
    size_t n = frames_in(symbol_module(pc), pc, ret_frames, max);
    symbol_leave();
    return n;
}

size_t symbol_file_frames(const char *path, const unsigned char *build_id, size_t build_id_len,
                          uintptr_t offset, struct symbol_frame *ret_frames, size_t max)
{
    rt_check(max > 0);
    if (!symbol_enter())
        return frames_in(NULL, offset, ret_frames, max);
    struct module *m = module_get(path, 0, build_id, build_id_len);
    size_t n = frames_in(m && m->mod ? m : NULL, offset, ret_frames, max);
    symbol_leave();
    return n;
}
