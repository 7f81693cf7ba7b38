/* symbol_inner.h - what symbol.c, symbol_data.c and symbol_local.c share: modules, units, types. */
#ifndef BASE_SYMBOL_INNER_H
#define BASE_SYMBOL_INNER_H

#include "print.h"
#include "symbol.h"
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

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

/* Around all use of what follows.  False: this thread is inside already, in a crash handler, or
 * memory is short. */
bool symbol_enter(void);
void symbol_leave(void);

/* The module of this process that holds addr, or NULL. */
struct module *symbol_module(uintptr_t addr);

/* The compilation unit that holds the code at addr, or NULL. */
Dwarf_Die *symbol_unit(struct module *m, uintptr_t addr, Dwarf_Addr *ret_bias);

/* The unit with its functions and variables, of which a program may have only a skeleton with lines
 * (-gsplit-dwarf); the skeleton, where the file with the rest is gone. */
Dwarf_Die symbol_whole_unit(Dwarf_Die *cu);

/* A DIE's name ("?" when it has none), number, and the name of the unit's index-th file. */
const char *symbol_die_name(Dwarf_Die *die);
int symbol_die_number(Dwarf_Die *die, unsigned name);
const char *symbol_unit_file(Dwarf_Die *cu, int index);

/* The scopes that hold pc, from the innermost outwards; their number, or 0 and nothing.  The caller
 * frees *ret_scopes. */
int symbol_scopes(Dwarf_Die *cu, Dwarf_Addr pc, Dwarf_Die **ret_scopes);

/* The type that die's DW_AT_type names, without typedefs and qualifiers. */
bool symbol_type_of(Dwarf_Die *die, Dwarf_Die *ret_type);

/* Bytes of the type that die's DW_AT_type names; 0: not known. */
size_t symbol_size_of(Dwarf_Die *die);

/* Appends the names of the fields and elements that lie at offset in the type: ".row[2].x".
 * Returns the bytes of the innermost one.  *ret_whole: as in struct symbol_global. */
size_t symbol_name_part(Dwarf_Die *type, Dwarf_Word offset, struct text *t, size_t *ret_whole);

#endif
