/* real_names.h - included before everything else (-include) in each file of the race library.
 *
 * The race library defines memcpy, malloc, pthread_mutex_lock and others in front of libc's, so
 * that it sees what the user's code does.  What its own code does, the runtime's and the recorder's
 * included, is not the user's: recording it would cost time and make false reports.  So the
 * assembler is told, in each of our files, that these names mean libc's functions, as real.c hands
 * them out. That holds for every call in the file: also for the memcpy that a compiler makes of an
 * assignment. (Labels on declarations would not do: clang does not apply them to the calls it makes
 * itself.) */
#ifndef RC_REAL_NAMES_H
#define RC_REAL_NAMES_H

#ifndef __ASSEMBLER__ /* our assembly calls nothing of libc */
#define REAL(result, name, parameters, arguments) __asm__(#name " = rt_real_" #name);
#define VOID(name, parameters, arguments)         __asm__(#name " = rt_real_" #name);
#define HEAP(result, name, parameters)            __asm__(#name " = rt_real_" #name);
#include "real.def"
#undef REAL
#undef VOID
#undef HEAP
#endif

#endif
