/* cc.h - compiling and linking users' programs: the engine of goshawk cc and goshawk run. */
#ifndef CC_H
#define CC_H

#include <stdbool.h>
#include "args.h"

/* The compiler to use: the words of CC, else gcc, else clang. */
struct compiler {
    struct args words;     /* words.v[0] is the full path of the program */
    bool is_clang, is_gcc; /* neither: a name we do not know */
};

/* Returns 0, or the exit code after one line of explanation that begins with cmd. */
int cc_find_compiler(const char *cmd, struct compiler *ret_compiler);

/* Compiles, links or both, as args (a compiler's arguments, "-race" among them perhaps) ask for.
 * cmd begins the messages.  Returns the exit code. */
int cc_run(const char *cmd, const struct args *args);

/* True if the file's bytes contain word. */
bool cc_file_contains(const char *path, const char *word);

#endif
