/* place.h - where the command's own headers and libraries are: in the build tree or installed. */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>

struct place {
    const char *include; /* holds goshawk.h */
    const char *lib;     /* holds libgoshawk.a, libgoshawk_race.a, libgoshawk_main.a */
    bool build_tree;
};

/* Never NULL; found once.  The paths need not exist. */
const struct place *place_get(void);

/* Full path of the executable that execvp(name) would start, in malloc memory, or NULL. */
char *place_find_program(const char *name);

#endif
