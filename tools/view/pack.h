/* pack.h - the data of the page: columns of numbers in sections.
 *
 * The page's data is base64 of a zlib stream of sections: one letter, the length as a little-endian
 * uint32, the bytes.  Numbers are LEB128 ("uint"; "int" is zig-zag).  tools/view/data.js reads it.
 *
 *   S  spans, in the order in which they ended, all lanes mixed; at most PACK_BLOCK a section:
 *        uint n, then PC_COLUMNS columns, each uint length and bytes; what a column holds stands
 *        at enum pack_column.
 *      Folded states (fold.h) are spans too, that stand for several; their sums lie end to end.
 *   T  strings: uint n; each uint length, bytes
 *   K  frames: uint n; each uint function, file (strings), line, flags (1 inlined, 2 runtime)
 *      stacks: uint n; each uint id, depth, frames (innermost first)
 *   G  goroutines: uint n; each int id (difference), uint creator + 1, time of creation + 1 (0: not
 *      known), uint label, entry function (strings), stack of creation
 *   E  marks: uint n; each uint type, time (difference), goroutine + 1, other goroutine + 1, P + 1,
 *      text (string)
 *   O  objects: uint n; each uint address, by number (0: none)
 *   J  everything else, as JSON
 *   Z  the end: without it the page is not complete
 *
 * A goroutine's number here is its place in section G, an M's its place in the JSON's threads, not
 * its id. */
#ifndef PACK_H
#define PACK_H

#include <stddef.h>
#include <stdint.h>
#include "reader.h"
#include "fold.h"
#include "page_file.h"

enum { PACK_BLOCK = 65536, PACK_FOLDED = 5 };

/* Bytes that grow.  Zero bytes are empty ones. */
struct bytes {
    unsigned char *p;
    size_t len, cap;
};
void bytes_byte(struct bytes *b, unsigned v);
void bytes_uint(struct bytes *b, uint64_t v);
void bytes_int(struct bytes *b, int64_t v);
void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_printf(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void bytes_json(struct bytes *b, const char *s); /* as a JSON string, quotes included */
void bytes_fini(struct bytes *b);

enum pack_column {
    PC_HEAD,  /* byte: lane kind (bits 0-1), state (2-4), open (5), gap (6), and 7: a G that is
               * runnable was created, others are folded.  A folded runnable G has PACK_FOLDED */
    PC_LANE,  /* uint: number of the goroutine, P, number of the M */
    PC_END,   /* int: end, difference to the span before */
    PC_GAP,   /* int, with the gap bit: begin - end of the lane's span before (0 at first) */
    PC_P,     /* uint p + 1: G running, M */
    PC_M,     /* uint number: G running or detached, P not idle */
    PC_G,     /* uint number + 1: P running, M running or detached */
    PC_WHY,   /* uint: G blocked */
    PC_OBJ,   /* uint: G blocked */
    PC_STACK, /* uint: G blocked, runnable */
    PC_BY,    /* uint number + 1: G blocked, runnable */
    PC_BY_P,  /* uint p + 1: G blocked, runnable */
    PC_FOLD,  /* uint states that are folded here * 2 + 1 for the first of a row of sums: folded */
    PC_COLUMNS
};

/* Spans on their way into S sections. */
struct pack {
    struct page_file *file;
    struct bytes column[PC_COLUMNS];
    uint32_t n;
    int64_t end; /* of the span before */
    struct lane_ends {
        int64_t *at;
        size_t n;
    } ends[3]; /* of the last span of each lane, by kind */
};

/* lane, s.m, g and by are numbers of this pack (g and by: -1 none), not ids. */
void pack_span(struct pack *p, const struct fold_item *item);
void pack_flush(struct pack *p);
void pack_fini(struct pack *p);

/* Writes one section. */
void pack_section(struct page_file *f, char letter, const struct bytes *b);

/* Strings, each once; string 0 is "". */
struct strings {
    char **list;
    uint32_t n, cap;
    uint32_t *slots, mask;
};
uint32_t strings_add(struct strings *s, const char *text); /* NULL is "" */
void strings_pack(const struct strings *s, struct bytes *b);
void strings_fini(struct strings *s);

#endif
