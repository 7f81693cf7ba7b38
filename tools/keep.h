/* keep.h - programs that outlive goshawk run because a trace of them needs their symbols.
 *
 * A trace names modules by path and build-id and holds no symbols; they are read from the
 * executable when the trace is looked at.  So a program that was built for a traced run is kept,
 * in $XDG_CACHE_HOME/goshawk/run or ~/.cache/goshawk/run, for 30 days after its last run. */
#ifndef KEEP_H
#define KEEP_H

/* Makes a folder to build in, on the file system of the kept programs, and removes programs that
 * are too old.  Returns its path in malloc memory, or NULL when there is no place for it. */
char *keep_make_folder(void);

/* Gives the folder, which holds the one file name, its lasting place.  Returns the program's path
 * there in malloc memory.  An equal program that was kept before is used again, so that the number
 * of kept programs is that of different ones.  When that fails the program stays where it is. */
char *keep_program(char *folder, const char *name);

#endif
