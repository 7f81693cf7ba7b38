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
 * Lock: `busy` guards everything.  The thread that holds it may fault inside libdw and come back
 * from a crash handler; it then gets "?" and not a deadlock. */
#include "symbol.h"
#include "atomic.h"
#include "check.h"
#include "futex.h"
#include "print.h"
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUILD_ID_MAX = 64 };

struct module {
    struct module *next;
    char *path;
    uintptr_t base;
    unsigned char id[BUILD_ID_MAX];
    size_t id_len;
    Dwfl *dwfl;
    Dwfl_Module *mod; /* NULL: nothing can be known about this file */
    Dwarf_Die last;   /* unit of the last look-up, with its bias */
    Dwarf_Addr last_bias;
    bool has_last;
};

static struct {
    struct rt_lock busy;
    pid_t owner; /* thread that holds busy, or 0 */
    struct module *modules;
} sym;

static bool enter(void)
{
    pid_t me = (pid_t)syscall(SYS_gettid);
    if (at_load_rlx(&sym.owner) == me) /* relaxed: only this thread stores its own id */
        return false;
    rt_lock(&sym.busy);
    at_store_rlx(&sym.owner, me); /* relaxed: read for equality with the reader's own id */
    return true;
}

static void leave(void)
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

/* The build-id note in the memory of a loaded module. */
static size_t loaded_build_id(const struct dl_phdr_info *info, const ElfW(Phdr) * note,
                              const unsigned char **ret_id)
{
    const char *p = (const char *)info->dlpi_addr + note->p_vaddr, *end = p + note->p_memsz;
    while (p + sizeof(ElfW(Nhdr)) <= end) {
        const ElfW(Nhdr) *h = (const void *)p;
        const char *name = p + sizeof *h, *desc = name + ((h->n_namesz + 3) & ~3u);
        if (h->n_type == NT_GNU_BUILD_ID && h->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
            *ret_id = (const unsigned char *)desc;
            return h->n_descsz;
        }
        p = desc + ((h->n_descsz + 3) & ~3u);
    }
    return 0;
}

/* dl_iterate_phdr callback: is the address in one of this module's segments? */
static int find_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct loaded *l = arg;
    bool inside = false;
    const unsigned char *id = (const unsigned char *)"";
    size_t id_len = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_LOAD && l->addr - info->dlpi_addr - ph->p_vaddr < ph->p_memsz)
            inside = true;
        if (ph->p_type == PT_NOTE && !id_len)
            id_len = loaded_build_id(info, ph, &id);
    }
    if (!inside)
        return 0;
    const char *path = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
    l->ret_module = module_get(path, info->dlpi_addr, id, id_len);
    return 1;
}

static struct module *module_of(uintptr_t addr)
{
    struct loaded l = {.addr = addr};
    dl_iterate_phdr(find_loaded, &l);
    return l.ret_module && l.ret_module->mod ? l.ret_module : NULL;
}

/* ---- code ---- */

/* The compilation unit that holds addr. */
static Dwarf_Die *unit_of(struct module *m, uintptr_t addr, Dwarf_Addr *ret_bias)
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
    m->last = *cu;
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

static int die_number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    Dwarf_Word v;
    return dwarf_attr_integrate(die, name, &attr) && dwarf_formudata(&attr, &v) == 0 ? (int)v : 0;
}

/* Not dwarf_decl_file(): it takes index 0 for "unknown", which in DWARF 5 is the unit's own
 * file. */
static const char *unit_file(Dwarf_Die *cu, int index)
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
    f->file = unit_file(cu, die_number(inlined, DW_AT_call_file));
    f->line = die_number(inlined, DW_AT_call_line);
    f->column = die_number(inlined, DW_AT_call_column);
}

static const char *die_name(Dwarf_Die *die)
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
        f.function = die_name(&scopes[i]);
        f.inlined = tag == DW_TAG_inlined_subroutine;
        frames[got++] = f;
        if (!f.inlined)
            break;
        set_call_place(&f, cu, &scopes[i]);
    }
    return got;
}

static size_t frames_by_dwarf(struct module *m, uintptr_t pc, struct symbol_frame *frames,
                              size_t max)
{
    Dwarf_Addr bias;
    Dwarf_Die *cu = unit_of(m, pc, &bias), *lexical, *chain;
    if (!cu || dwarf_getscopes(cu, pc - bias, &lexical) <= 0)
        return 0;
    int n = dwarf_getscopes_die(&lexical[0], &chain);
    free(lexical);
    if (n <= 0)
        return 0;
    size_t got = frames_of_scopes(cu, chain, n, pc - bias, frames, max);
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
    if (!enter())
        return frames_in(NULL, pc, ret_frames, max);
    size_t n = frames_in(module_of(pc), pc, ret_frames, max);
    leave();
    return n;
}

size_t symbol_file_frames(const char *path, const unsigned char *build_id, size_t build_id_len,
                          uintptr_t offset, struct symbol_frame *ret_frames, size_t max)
{
    rt_check(max > 0);
    if (!enter())
        return frames_in(NULL, offset, ret_frames, max);
    struct module *m = module_get(path, 0, build_id, build_id_len);
    size_t n = frames_in(m && m->mod ? m : NULL, offset, ret_frames, max);
    leave();
    return n;
}

/* ---- data ---- */

struct var_search {
    Dwarf_Addr addr; /* without bias */
    Dwarf_Die die;   /* what was found */
    Dwarf_Addr start;
    size_t size;
};

/* The fixed address of a variable of static storage. */
static bool fixed_address(Dwarf_Die *var, Dwarf_Addr *ret_addr)
{
    Dwarf_Attribute attr, operand;
    Dwarf_Op *op;
    size_t n;
    if (!dwarf_attr(var, DW_AT_location, &attr) || dwarf_getlocation(&attr, &op, &n) != 0 || n != 1)
        return false;
    if (op->atom == DW_OP_addr) {
        *ret_addr = op->number;
        return true;
    }
    return op->atom == DW_OP_addrx && dwarf_getlocation_attr(&attr, op, &operand) == 0 &&
           dwarf_formaddr(&operand, ret_addr) == 0;
}

static size_t variable_size(Dwarf_Die *var)
{
    Dwarf_Attribute attr;
    Dwarf_Die type;
    Dwarf_Word size;
    if (!dwarf_attr_integrate(var, DW_AT_type, &attr) || !dwarf_formref_die(&attr, &type))
        return 0;
    return dwarf_aggregate_size(&type, &size) == 0 ? size : 0;
}

static bool covers(struct var_search *s, Dwarf_Die *var)
{
    Dwarf_Addr start;
    if (!fixed_address(var, &start) || start > s->addr)
        return false;
    size_t size = variable_size(var);
    if (s->addr - start >= (size ? size : 1))
        return false;
    s->die = *var;
    s->start = start;
    s->size = size;
    return true;
}

static bool has_variables_inside(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
           tag == DW_TAG_inlined_subroutine;
}

/* Searches below die: globals, and static variables of functions and blocks. */
static bool search_variables(struct var_search *s, Dwarf_Die *die)
{
    Dwarf_Die child;
    if (dwarf_child(die, &child) != 0)
        return false;
    do {
        int tag = dwarf_tag(&child);
        if (tag == DW_TAG_variable && covers(s, &child))
            return true;
        if (has_variables_inside(tag) && search_variables(s, &child))
            return true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

/* ---- fields and elements ---- */

/* The type that die's DW_AT_type names, without typedefs and qualifiers. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *ret_type)
{
    Dwarf_Attribute attr;
    return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret_type) &&
           dwarf_peel_type(ret_type, ret_type) == 0;
}

static bool count_of(Dwarf_Die *range, Dwarf_Word *ret_n)
{
    Dwarf_Attribute attr;
    if (dwarf_attr(range, DW_AT_count, &attr))
        return dwarf_formudata(&attr, ret_n) == 0;
    if (!dwarf_attr(range, DW_AT_upper_bound, &attr) || dwarf_formudata(&attr, ret_n) != 0)
        return false;
    ++*ret_n;
    return true;
}

/* Appends the indices of the element at *offset in an array, which becomes the offset in it. */
static bool enter_array(Dwarf_Die *array, Dwarf_Word *offset, Dwarf_Die *ret_element,
                        struct text *t)
{
    enum { DIMENSIONS = 8 };
    Dwarf_Word n[DIMENSIONS], stride;
    Dwarf_Die range;
    int dims = 0;
    if (!type_of(array, ret_element) || dwarf_aggregate_size(ret_element, &stride) != 0 ||
        stride == 0 || dwarf_child(array, &range) != 0)
        return false;
    do {
        if (dwarf_tag(&range) == DW_TAG_subrange_type &&
            (dims == DIMENSIONS || !count_of(&range, &n[dims++])))
            return false;
    } while (dwarf_siblingof(&range, &range) == 0);
    for (int i = 1; i < dims; i++)
        stride *= n[i];
    for (int i = 0; i < dims && stride > 0; i++) {
        text_printf(t, "[%llu]", (unsigned long long)(*offset / stride));
        *offset %= stride;
        stride /= i + 1 < dims ? n[i + 1] : 1;
    }
    return dims > 0;
}

/* The same for a structure's field. */
static bool enter_field(Dwarf_Die *record, Dwarf_Word *offset, Dwarf_Die *ret_type, struct text *t)
{
    Dwarf_Die field;
    if (dwarf_child(record, &field) != 0)
        return false;
    do {
        Dwarf_Attribute attr;
        Dwarf_Word at, size;
        if (dwarf_tag(&field) != DW_TAG_member ||
            !dwarf_attr(&field, DW_AT_data_member_location, &attr) ||
            dwarf_formudata(&attr, &at) != 0 || !type_of(&field, ret_type) ||
            dwarf_aggregate_size(ret_type, &size) != 0 || *offset - at >= size)
            continue;
        if (dwarf_diename(&field))
            text_printf(t, ".%s", dwarf_diename(&field));
        *offset -= at;
        return true;
    } while (dwarf_siblingof(&field, &field) == 0);
    return false;
}

/* Goes down from a variable to what lies at offset in it.  Unions could be any of their members. */
static void name_part(Dwarf_Die *var, Dwarf_Word offset, struct text *t)
{
    Dwarf_Die type, next;
    bool more = type_of(var, &type);
    while (more) {
        int tag = dwarf_tag(&type);
        if (tag == DW_TAG_array_type)
            more = enter_array(&type, &offset, &next, t);
        else if (tag == DW_TAG_structure_type || tag == DW_TAG_class_type)
            more = enter_field(&type, &offset, &next, t);
        else
            more = false;
        type = next;
    }
}

static bool global_by_dwarf(struct module *m, uintptr_t addr, struct symbol_global *g)
{
    Dwarf_Addr bias;
    Dwarf_Die *cu = NULL;
    while ((cu = dwfl_module_nextcu(m->mod, cu, &bias))) {
        struct var_search s = {.addr = addr - bias};
        if (!search_variables(&s, cu))
            continue;
        g->name = die_name(&s.die);
        g->start = s.start + bias;
        g->size = s.size;
        struct text part;
        text_init(&part, g->part, sizeof g->part);
        name_part(&s.die, s.addr - s.start, &part);
        g->line = die_number(&s.die, DW_AT_decl_line);
        g->file = g->line ? unit_file(cu, die_number(&s.die, DW_AT_decl_file)) : NULL;
        return true;
    }
    return false;
}

static bool global_by_elf(struct module *m, uintptr_t addr, struct symbol_global *g)
{
    GElf_Off offset;
    GElf_Sym s;
    const char *name = dwfl_module_addrinfo(m->mod, addr, &offset, &s, NULL, NULL, NULL);
    if (!name || GELF_ST_TYPE(s.st_info) != STT_OBJECT || offset >= s.st_size)
        return false;
    g->name = name;
    g->start = addr - offset;
    g->size = s.st_size;
    return true;
}

bool symbol_global(uintptr_t addr, struct symbol_global *ret_global)
{
    struct symbol_global g = {0};
    if (!enter())
        return false;
    struct module *m = module_of(addr);
    bool found = m && (global_by_dwarf(m, addr, &g) || global_by_elf(m, addr, &g));
    leave();
    if (found)
        *ret_global = g;
    return found;
}
