/* symbol_data.c - variables of static storage, and what lies inside a variable; see symbol.h.
 *
 * Nothing indexes variables by address, so units are searched one after the other.  Where DWARF
 * knows nothing the symbol table may still have a name. */
#include "symbol_inner.h"
#include <dwarf.h>
#include <string.h>

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
    return (op->atom == DW_OP_addrx || op->atom == DW_OP_GNU_addr_index) &&
           dwarf_getlocation_attr(&attr, op, &operand) == 0 &&
           dwarf_formaddr(&operand, ret_addr) == 0;
}

size_t symbol_size_of(Dwarf_Die *var)
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
    size_t size = symbol_size_of(var);
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
bool symbol_type_of(Dwarf_Die *die, Dwarf_Die *ret_type)
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
    if (!symbol_type_of(array, ret_element) || dwarf_aggregate_size(ret_element, &stride) != 0 ||
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
            dwarf_formudata(&attr, &at) != 0 || !symbol_type_of(&field, ret_type) ||
            dwarf_aggregate_size(ret_type, &size) != 0 || *offset - at >= size)
            continue;
        if (dwarf_diename(&field))
            text_printf(t, ".%s", dwarf_diename(&field));
        *offset -= at;
        return true;
    } while (dwarf_siblingof(&field, &field) == 0);
    return false;
}

static bool is_reserved(const char *name)
{
    return name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z'));
}

/* A structure whose fields are the runtime's. */
static bool is_of_runtime(Dwarf_Die *type)
{
    const char *name = dwarf_diename(type);
    return name && strncmp(name, "go_", 3) == 0;
}

/* Goes down from a type to what lies at offset in it.  Unions could be any of their members. */
size_t symbol_name_part(Dwarf_Die *outer, Dwarf_Word offset, struct text *t, size_t *ret_whole)
{
    Dwarf_Die type = *outer, next;
    Dwarf_Word size;
    bool more = true, inside = false;
    *ret_whole = t->len;
    while (more) {
        size_t before = t->len;
        inside = inside || is_of_runtime(&type);
        int tag = dwarf_tag(&type);
        if (tag == DW_TAG_array_type)
            more = enter_array(&type, &offset, &next, t);
        else if (tag == DW_TAG_structure_type || tag == DW_TAG_class_type)
            more = enter_field(&type, &offset, &next, t);
        else
            more = false;
        if (more)
            type = next;
        inside = inside || (t->buf[before] == '.' && is_reserved(t->buf + before + 1));
        if (!inside)
            *ret_whole = t->len;
    }
    return dwarf_aggregate_size(&type, &size) == 0 ? size : 0;
}

static bool global_by_dwarf(struct module *m, uintptr_t addr, struct symbol_global *g)
{
    Dwarf_Addr bias;
    Dwarf_Die *cu = NULL;
    while ((cu = dwfl_module_nextcu(m->mod, cu, &bias))) {
        struct var_search s = {.addr = addr - bias};
        Dwarf_Die whole = symbol_whole_unit(cu);
        if (!search_variables(&s, &whole))
            continue;
        g->name = symbol_die_name(&s.die);
        g->start = s.start + bias;
        g->size = s.size;
        struct text part;
        Dwarf_Die type;
        text_init(&part, g->part, sizeof g->part);
        if (symbol_type_of(&s.die, &type))
            symbol_name_part(&type, s.addr - s.start, &part, &g->whole);
        g->line = symbol_die_number(&s.die, DW_AT_decl_line);
        g->file =
            g->line ? symbol_unit_file(&whole, symbol_die_number(&s.die, DW_AT_decl_file)) : NULL;
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
    if (!symbol_enter())
        return false;
    struct module *m = symbol_module(addr);
    bool found = m && (global_by_dwarf(m, addr, &g) || global_by_elf(m, addr, &g));
    symbol_leave();
    if (found)
        *ret_global = g;
    return found;
}
