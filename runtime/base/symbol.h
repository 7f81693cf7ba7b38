/* symbol.h - names for addresses (elfutils libdw).
 *
 * Slow and hungry: reads debug information, uses malloc and deep stacks.  Call it on a thread's own
 * stack, not on a goroutine's, and never while recording.  One lock inside; any thread may call.
 * Nothing has a name while less than 64 MB of memory can be had. */
#ifndef BASE_SYMBOL_H
#define BASE_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dso;

struct symbol_frame {
    const char *function; /* "?" when unknown; valid until the process ends */
    const char *file;     /* as the compiler recorded it, or NULL; valid likewise */
    int line, column;     /* 0 when unknown */
    bool inlined;         /* this frame was inlined into the next one */
};

/* Frames of this process's pc, innermost inlined one first.  pc is used as it is: pass a return
 * address minus 1.  Stores at most max frames and returns how many, at least 1. */
size_t symbol_frames(uintptr_t pc, struct symbol_frame *ret_frames, size_t max);

/* d (dso.h) was loaded, and is no longer: code that was there keeps its names while nothing else is
 * loaded in its place.  So many are remembered that a few libraries may come and go. */
void symbol_unloaded(const struct dso *d);

/* The variable of static storage that covers addr.  Returns false when there is none. */
struct symbol_global {
    const char *name, *file; /* file may be NULL */
    int line;                /* 0 when unknown */
    uintptr_t start;
    size_t size;
    char part[120]; /* which field or element addr lies in: ".row[2].x"; "" when not known */
    size_t whole;   /* its length, without what only a library knows of: the fields of a go_mutex,
                       or with names that are reserved for the implementation */
};
bool symbol_global(uintptr_t addr, struct symbol_global *ret_global);

/* The variable in a frame that covers addr.  Variables of scopes that hold the frame's pc are
 * preferred; false when there is none, or more than one could be meant. */
struct symbol_place {
    uintptr_t pc;      /* in the function */
    uintptr_t cfa, sp; /* the stack pointer before its call, and in its body */
    uintptr_t fp;      /* the frame pointer in its body, if it has one */
};
struct symbol_local {
    const char *name, *function, *file; /* file may be NULL */
    int line;                           /* 0 when unknown */
    uintptr_t start;
    size_t size;
    char part[120]; /* as above, like the next */
    size_t whole;
};
bool symbol_local(const struct symbol_place *frame, uintptr_t addr, struct symbol_local *ret_local);

/* What a block of memory of that size may be: the one structure of which it is a whole number, and
 * to which pointer variables point that are in scope at those pcs, wherever there is one to
 * anything that fits; with the part at offset, where `bytes` were accessed, or, if 0, an object
 * begins that orders.  False when there is none or more than one, and when it may be no structure:
 * types of the library and scalars leave doubt, but are not named. */
struct symbol_pointee {
    char type[80]; /* "struct node"; "stats_t", when only a typedef names it */
    char part[120];
    size_t whole; /* as above */
};
bool symbol_pointee(const uintptr_t *pcs, size_t n, size_t block_size, size_t offset, size_t bytes,
                    struct symbol_pointee *ret_pointee);

/* The same as symbol_frames() for a module that is not loaded: a trace names modules by path and
 * build-id.  offset is the address minus the module's load bias.  Returns at least 1. */
size_t symbol_file_frames(const char *path, const unsigned char *build_id, size_t build_id_len,
                          uintptr_t offset, struct symbol_frame *ret_frames, size_t max);

#endif
