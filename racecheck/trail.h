/* trail.h - a stack with names: what a report shows of an rc_site. */
#ifndef RC_TRAIL_H
#define RC_TRAIL_H

#include "report.h"
#include "symbol.h"
#include <limits.h>

struct trail {
    struct symbol_frame *frame; /* innermost first; files as the compiler recorded them */
    uintptr_t *pc;              /* of each frame; equal for a frame and those inlined into it */
    size_t n, room;
    bool folded; /* repeated recursion was left out */
};

/* Finds the names of a stack.  Frames of the runtime, of the detector and of libc's start of
 * programs and threads are left out, unless nothing would remain.  Inlined frames are shown.  t is
 * overwritten; trail_free() gives its memory back.  Slow: symbol.h tells. */
void trail_make(struct trail *t, rc_site site);

/* The same for an access of by: where nothing would remain, the function that by began with. */
void trail_make_of(struct trail *t, rc_site site, const struct rc_life *by);
void trail_free(struct trail *t);

/* The frame is what begins programs or threads, which is left outermost when nothing else is. */
bool trail_is_begin(const struct symbol_frame *f);

/* A file's name as reports show it, in buf: without "./" and "x/../", without strip_path_prefix,
 * and relative to the working directory (at the first report) where it lies below it.  NULL gives
 * "?". */
const char *trail_file(const char *path, char buf[PATH_MAX]);

/* The same, but not relative to the working directory. */
const char *trail_whole_file(const char *path, char buf[PATH_MAX]);

/* The variable at addr, which was defined in file (NULL: not known), is the runtime's or the
 * detector's own. */
bool trail_is_ours(uintptr_t addr, const char *file);

/* The file that the code at pc was loaded from, or NULL. */
const char *trail_module(uintptr_t pc);

/* Where pc is in that file, as addr2line takes it. */
uintptr_t trail_offset(uintptr_t pc);

#endif
