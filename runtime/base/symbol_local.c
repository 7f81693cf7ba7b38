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

enum { CANDIDATES_MAX = 8, PLACES_MAX = 8 };

/* A type that the block may be of. */
struct candidate {
    Dwarf_Die type;
    size_t size;
    const char *tag, *name; /* "struct ", "node"; name NULL: never named, it only leaves doubt */
    bool is_const, is_atomic;
    unsigned places; /* where a pointer to it is in scope: a bit for each place */
};

struct pointee_search {
    size_t block, offset, bytes;
    unsigned place; /* the bit of the one that is being searched */
    struct candidate found[CANDIDATES_MAX];
    size_t n;
    bool too_many;
};

static bool next_type(Dwarf_Die *die, Dwarf_Die *ret_type)
{
    Dwarf_Attribute attr;
    return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret_type);
}

/* Goes through typedefs, qualifiers and arrays; c->name becomes the last typedef's. */
static bool peel(struct candidate *c)
{
    do {
        switch (dwarf_tag(&c->type)) {
        case DW_TAG_typedef:
            c->name = dwarf_diename(&c->type);
            break;
        case DW_TAG_array_type:
            c->name = NULL;
            break;
        case DW_TAG_const_type:
            c->is_const = true;
            break;
        case DW_TAG_atomic_type:
            c->is_atomic = true;
            break;
        case DW_TAG_volatile_type:
        case DW_TAG_restrict_type:
            break;
        default:
            return true;
        }
    } while (next_type(&c->type, &c->type));
    return false;
}

static bool is_record(Dwarf_Die *type)
{
    int tag = dwarf_tag(type);
    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* What the pointer var points to; false: var is none, or nothing is known of that. */
static bool pointee_of(Dwarf_Die *var, struct candidate *ret)
{
    Dwarf_Die pointer;
    Dwarf_Word size;
    *ret = (struct candidate){.tag = ""};
    if (!symbol_type_of(var, &pointer) || dwarf_tag(&pointer) != DW_TAG_pointer_type ||
        !next_type(&pointer, &ret->type) || !peel(ret) ||
        dwarf_aggregate_size(&ret->type, &size) != 0 || size == 0)
        return false;
    ret->size = size;
    if (!is_record(&ret->type)) {
        ret->name = NULL;
    } else if (dwarf_diename(&ret->type)) {
        ret->name = dwarf_diename(&ret->type);
        ret->tag = dwarf_tag(&ret->type) == DW_TAG_union_type ? "union " : "struct ";
    }
    return true;
}

/* One of those that mostly are parts of what they belong to. */
static bool is_of_library(const struct candidate *c)
{
    static const char *const prefix[] = {"go_", "pthread_", "sem_t"};
    for (size_t i = 0; c->name && i < sizeof prefix / sizeof *prefix; i++)
        if (strncmp(c->name, prefix[i], strlen(prefix[i])) == 0)
            return true;
    return false;
}

/* The accessed bytes are a part of the type, or cover parts of it whole. */
static bool access_fits(const struct pointee_search *s, struct candidate *c)
{
    char buf[8];
    struct text ignored;
    size_t whole;
    text_init(&ignored, buf, sizeof buf);
    size_t inner = symbol_name_part(&c->type, s->offset % c->size, &ignored, &whole);
    return inner >= s->bytes || inner == 0 || s->bytes == 8; /* 8: a whole word, of a larger one */
}

/* The same for a scalar: an access to one has its size, one to many is a whole word.  An object
 * that orders is one of them when it has a block of its own, or is atomic. */
static bool scalar_fits(const struct pointee_search *s, const struct candidate *c)
{
    if (s->bytes == 0)
        return c->size == s->block || c->is_atomic;
    return c->size == s->bytes || (s->bytes == 8 && c->size < 8 && !c->is_const);
}

static bool fits(const struct pointee_search *s, struct candidate *c)
{
    if (s->block % c->size != 0)
        return false;
    if (is_of_library(c))
        return s->block == c->size;
    return is_record(&c->type) ? access_fits(s, c) : scalar_fits(s, c);
}

static bool same_type(const struct candidate *a, const struct candidate *b)
{
    if (!a->name || !b->name)
        return a->name == b->name;
    return a->size == b->size && strcmp(a->tag, b->tag) == 0 && strcmp(a->name, b->name) == 0;
}

static void look_at_pointer(struct pointee_search *s, Dwarf_Die *var)
{
    struct candidate c;
    size_t i = 0;
    if (!pointee_of(var, &c) || !fits(s, &c))
        return;
    if (is_of_library(&c))
        c.name = NULL;
    while (i < s->n && !same_type(&s->found[i], &c))
        i++;
    if (i == CANDIDATES_MAX) {
        s->too_many = true;
        return;
    }
    if (i == s->n)
        s->found[s->n++] = c;
    s->found[i].places |= s->place;
}

/* Its parameters point to what the program was given, which is in no block. */
static bool is_main(Dwarf_Die *scope)
{
    const char *name = symbol_die_name(scope);
    return dwarf_tag(scope) == DW_TAG_subprogram &&
           (strcmp(name, "main") == 0 || strcmp(name, "go_main") == 0);
}

static void search_pointers(struct pointee_search *s, Dwarf_Die *scope)
{
    Dwarf_Die child;
    bool given = is_main(scope);
    if (dwarf_child(scope, &child) != 0)
        return;
    do {
        int tag = dwarf_tag(&child);
        if (is_variable(tag) && !(given && tag == DW_TAG_formal_parameter))
            look_at_pointer(s, &child);
    } while (dwarf_siblingof(&child, &child) == 0);
}

/* Just one type has been found at this place, and that is the whole block's: what functions further
 * out know does not count.  A part's type may fit by chance, as one of many. */
static bool is_decided(const struct pointee_search *s)
{
    const struct candidate *only = NULL;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->found[i].places & s->place) {
            only = &s->found[i];
            n++;
        }
    return n == 1 && only->name && only->size == s->block;
}

/* Looks at the functions that have been inlined at pc before the one that they are in. */
static void search_place(struct pointee_search *s, uintptr_t pc)
{
    struct module *m = symbol_module(pc);
    Dwarf_Addr bias;
    Dwarf_Die *cu = m ? symbol_unit(m, pc, &bias) : NULL, *scopes;
    int function;
    if (!cu || scopes_at(cu, pc - bias, &scopes, &function) == 0)
        return;
    for (int i = 0; i <= function; i++) {
        search_pointers(s, &scopes[i]);
        if (dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine && is_decided(s))
            break;
    }
    free(scopes);
}

/* The one type that fits wherever any does, or NULL. */
static struct candidate *choose(struct pointee_search *s)
{
    struct candidate *chosen = NULL;
    unsigned known = 0;
    for (size_t i = 0; i < s->n; i++)
        known |= s->found[i].places;
    for (size_t i = 0; i < s->n; i++) {
        if (s->found[i].places != known)
            continue;
        if (chosen)
            return NULL;
        chosen = &s->found[i];
    }
    return chosen && chosen->name && !s->too_many ? chosen : NULL;
}

static void tell_pointee(const struct pointee_search *s, struct candidate *c,
                         struct symbol_pointee *ret)
{
    struct text t;
    text_init(&t, ret->type, sizeof ret->type);
    text_printf(&t, "%s%s", c->tag, c->name);
    text_init(&t, ret->part, sizeof ret->part);
    if (s->block != c->size)
        text_printf(&t, "[%zu]", s->offset / c->size);
    symbol_name_part(&c->type, s->offset % c->size, &t, &ret->whole);
}

bool symbol_pointee(const uintptr_t *pcs, size_t n, size_t block_size, size_t offset, size_t bytes,
                    struct symbol_pointee *ret_pointee)
{
    struct pointee_search s = {.block = block_size, .offset = offset, .bytes = bytes};
    if (offset >= block_size || !symbol_enter())
        return false;
    for (size_t i = 0; i < n && i < PLACES_MAX; i++) {
        s.place = 1u << i;
        search_place(&s, pcs[i]);
    }
    struct candidate *c = choose(&s);
    if (c)
        tell_pointee(&s, c, ret_pointee);
    symbol_leave();
    return c != NULL;
}
