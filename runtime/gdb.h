/* gdb.h - where the goroutines are, for debuggers.
 *
 * A program without debug information, or a core of it, does not tell how the runtime's structures
 * look.  So the library carries a table of addresses and offsets under the name go_gdb_, all 64-bit
 * words, which tools/gdb/goshawk-gdb.py reads; the script itself is in the section
 * .debug_gdb_scripts of every program.
 *
 * The goroutine structs lie in blocks, which form a list.  Struct i of a block is at
 *
 *     base + i * stride + first - i % colours * colour_step
 *
 * Of a goroutine that has not run yet (G_SEED in its flags) only what comes before the saved
 * registers is there.
 *
 * Change the layout, and change this with it; the version only when the words change. */
#ifndef RT_GDB_H
#define RT_GDB_H

#include <stddef.h>
#include <stdint.h>

/* Where blocks of goroutine structs are; filled by the owner of that memory (arena.c). */
struct gdb_blocks {
    const void *head;                                /* address of the pointer to the first block */
    uint64_t next, base, stride, first, colour_step; /* offsets of words in a block */
    uint64_t count;                                  /* likewise, of 32 bits */
    uint64_t colours;                                /* >= 1 */
};
extern const struct gdb_blocks arena_gdb_blocks;

/* The table; named here so that somebody can refer to it and it is linked. */
struct gdb_table;
extern const struct gdb_table go_gdb_ __attribute__((visibility("default")));

#endif
