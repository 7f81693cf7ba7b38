/* symbol_local.c - variables of functions' frames, and what pointers in scope point to; symbol.h.
 *
 * A variable whose address is taken lies at a fixed distance from its frame's base, also in
 * optimised code; where it moves between registers and the frame, the parts of its location list
 * that are in the frame count.  The frame's base is the CFA (gcc), or the frame pointer or the
 * stack pointer (clang). */
#include "symbol_inner.h"
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
enum { REG_FP = 6, REG_SP = 7 };
#else
enum { REG_FP = 29, REG_SP = 31 };
#endif

struct frame {
    const struct symbol_place *at;
    uintptr_t base; /* what DW_OP_fbreg adds to */
    bool has_base;
};

static bool register_value(const struct frame *f, int reg, uintptr_t *ret)
{
    if (reg != REG_FP && reg != REG_SP)
        return false;
    *ret = reg == REG_FP ? f->at->fp : f->at->sp;
    return true;
}

static void find_base(Dwarf_Die *function, struct frame *f)
{
    Dwarf_Attribute attr;
    Dwarf_Op *op;
    size_t n;
    if (!dwarf_attr_integrate(function, DW_AT_frame_base, &attr) ||
        dwarf_getlocation(&attr, &op, &n) != 0 || n != 1)
        return;
    f->base = f->at->cfa;
    f->has_base = op->atom == DW_OP_call_frame_cfa;
    if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)
        f->has_base = register_value(f, op->atom - DW_OP_reg0, &f->base);
}

static bool place(const struct frame *f, const Dwarf_Op *op, size_t n, uintptr_t *ret)
{
    if (n != 1)
        return false;
    if (op->atom == DW_OP_fbreg && f->has_base) {
        *ret = f->base + op->number;
        return true;
    }
    if (op->atom < DW_OP_breg0 || op->atom > DW_OP_breg31 ||
        !register_value(f, op->atom - DW_OP_breg0, ret))
        return false;
    *ret += op->number;
    return true;
}

/* Does var, somewhere in its life, cover addr?  Then where it begins. */
static bool covers(Dwarf_Die *var, const struct frame *f, uintptr_t addr, uintptr_t *ret_start)
{
    Dwarf_Attribute attr;
    Dwarf_Addr base, from, to;
    Dwarf_Op *op;
    size_t n, size = symbol_size_of(var);
    ptrdiff_t next = 0;
    if (!dwarf_attr_integrate(var, DW_AT_location, &attr))
        return false;
    while ((next = dwarf_getlocations(&attr, next, &base, &from, &to, &op, &n)) > 0)
        if (place(f, op, n, ret_start) && addr - *ret_start < (size ? size : 1))
            return true;
    return false;
}

static bool is_variable(int tag)
{
    return tag == DW_TAG_variable || tag == DW_TAG_formal_parameter;
}

struct search {
    const struct frame *frame;
    uintptr_t addr, start;
    unsigned found;
    Dwarf_Die var;
    const char *function; /* the one that var is written in, which may have been inlined */
};

/* Looks at the variables of one scope, and, if deep, of all scopes in it. */
static void search_scope(struct search *s, Dwarf_Die *scope, const char *function, bool deep)
{
    Dwarf_Die child;
    uintptr_t start;
    if (dwarf_child(scope, &child) != 0)
        return;
    do {
        int tag = dwarf_tag(&child);
        if (is_variable(tag) && covers(&child, s->frame, s->addr, &start)) {
            s->found++;
            s->start = start;
            s->var = child;
            s->function = function;
        } else if (deep && tag == DW_TAG_lexical_block) {
            search_scope(s, &child, function, true);
        } else if (deep && tag == DW_TAG_inlined_subroutine) {
            search_scope(s, &child, symbol_die_name(&child), true);
        }
    } while (dwarf_siblingof(&child, &child) == 0);
}

/* The chain of scopes at pc, from the innermost to the function that was really called; the number
 * of that one is stored.  0: not known.  The caller frees *ret_scopes. */
static int scopes_at(Dwarf_Die *cu, Dwarf_Addr pc, Dwarf_Die **ret_scopes, int *ret_function)
{
    int n = symbol_scopes(cu, pc, ret_scopes);
    for (int i = 0; i < n; i++) {
        if (dwarf_tag(&(*ret_scopes)[i]) == DW_TAG_subprogram) {
            *ret_function = i;
            return n;
        }
    }
    if (n > 0)
        free(*ret_scopes);
    return 0;
}

/* The function, inlined or not, that the i-th scope of a chain is written in. */
static const char *written_in(Dwarf_Die *scopes, int i)
{
    while (dwarf_tag(&scopes[i]) != DW_TAG_subprogram &&
           dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine)
        i++;
    return symbol_die_name(&scopes[i]);
}

static bool find_local(Dwarf_Die *cu, Dwarf_Die *scopes, int function, struct search *s,
                       struct symbol_local *l)
{
    for (int i = 0; i <= function && s->found == 0; i++)
        search_scope(s, &scopes[i], written_in(scopes, i), false);
    if (s->found == 0)
        search_scope(s, &scopes[function], symbol_die_name(&scopes[function]), true);
    if (s->found != 1)
        return false;
    struct text part;
    Dwarf_Die type;
    l->name = symbol_die_name(&s->var);
    l->function = s->function;
    l->line = symbol_die_number(&s->var, DW_AT_decl_line);
    l->file = l->line ? symbol_unit_file(cu, symbol_die_number(&s->var, DW_AT_decl_file)) : NULL;
    l->start = s->start;
    l->size = symbol_size_of(&s->var);
    text_init(&part, l->part, sizeof l->part);
    if (symbol_type_of(&s->var, &type))
        symbol_name_part(&type, s->addr - s->start, &part, &l->whole);
    return true;
}

static bool local_in(struct module *m, struct frame *f, uintptr_t addr, struct symbol_local *l)
{
    uintptr_t pc = f->at->pc;
    Dwarf_Addr bias;
    Dwarf_Die *cu = symbol_unit(m, pc, &bias), *scopes;
    int function;
    if (!cu || scopes_at(cu, pc - bias, &scopes, &function) == 0)
        return false;
    struct search s = {.frame = f, .addr = addr};
    find_base(&scopes[function], f);
    bool found = find_local(cu, scopes, function, &s, l);
    free(scopes);
    return found;
}

bool symbol_local(const struct symbol_place *frame, uintptr_t addr, struct symbol_local *ret_local)
{
    struct frame f = {.at = frame};
    struct symbol_local l = {0};
    if (!symbol_enter())
        return false;
    struct module *m = symbol_module(frame->pc);
    bool found = m && local_in(m, &f, addr, &l);
    symbol_leave();
    if (found)
        *ret_local = l;
    return found;
}

/* ---- what a pointer points to ---- */

struct pointee_search {
    size_t block, offset, bytes;
    unsigned found; /* different types that fit */
    Dwarf_Die type;
};

/* The accessed bytes are a part of the type, or cover parts of it whole. */
static bool access_fits(const struct pointee_search *s, Dwarf_Die *type, size_t size,
                        struct text *part)
{
    size_t whole, inner = symbol_name_part(type, s->offset % size, part, &whole);
    return inner >= s->bytes || inner == 0 || s->bytes == 8; /* 8: a whole word, of a larger one */
}

static void look_at_pointer(struct pointee_search *s, Dwarf_Die *var)
{
    Dwarf_Die pointer, type;
    Dwarf_Word size;
    char buf[8];
    struct text ignored;
    if (!symbol_type_of(var, &pointer) || dwarf_tag(&pointer) != DW_TAG_pointer_type ||
        !symbol_type_of(&pointer, &type) ||
        (dwarf_tag(&type) != DW_TAG_structure_type && dwarf_tag(&type) != DW_TAG_class_type) ||
        !dwarf_diename(&type) || dwarf_aggregate_size(&type, &size) != 0 || size == 0 ||
        s->block % size != 0)
        return;
    text_init(&ignored, buf, sizeof buf);
    if (!access_fits(s, &type, size, &ignored))
        return;
    if (s->found && strcmp(dwarf_diename(&s->type), dwarf_diename(&type)) == 0)
        return;
    s->found++;
    s->type = type;
}

static void search_pointers(struct pointee_search *s, Dwarf_Die *scope)
{
    Dwarf_Die child;
    if (dwarf_child(scope, &child) != 0)
        return;
    do {
        if (is_variable(dwarf_tag(&child)))
            look_at_pointer(s, &child);
    } while (dwarf_siblingof(&child, &child) == 0);
}

static bool pointee_in(struct module *m, uintptr_t pc, struct pointee_search *s,
                       struct symbol_pointee *p)
{
    Dwarf_Addr bias;
    Dwarf_Word size;
    Dwarf_Die *cu = symbol_unit(m, pc, &bias), *scopes;
    int function;
    if (!cu || scopes_at(cu, pc - bias, &scopes, &function) == 0)
        return false;
    for (int i = 0; i <= function; i++)
        search_pointers(s, &scopes[i]);
    free(scopes);
    if (s->found != 1 || dwarf_aggregate_size(&s->type, &size) != 0)
        return false;
    struct text t;
    text_init(&t, p->type, sizeof p->type);
    text_printf(&t, "struct %s", symbol_die_name(&s->type));
    text_init(&t, p->part, sizeof p->part);
    if (s->block != size)
        text_printf(&t, "[%zu]", s->offset / (size_t)size);
    symbol_name_part(&s->type, s->offset % size, &t, &p->whole);
    return true;
}

bool symbol_pointee(uintptr_t pc, size_t block_size, size_t offset, size_t bytes,
                    struct symbol_pointee *ret_pointee)
{
    struct pointee_search s = {.block = block_size, .offset = offset, .bytes = bytes};
    struct symbol_pointee p;
    if (block_size == 0 || offset >= block_size || !symbol_enter())
        return false;
    struct module *m = symbol_module(pc);
    bool found = m && pointee_in(m, pc, &s, &p);
    symbol_leave();
    if (found)
        *ret_pointee = p;
    return found;
}
