/* picture.h - a moment of a trace as a picture: the timeline command, called from another one. */
#ifndef PICTURE_H
#define PICTURE_H

#include "reader.h"

struct picture {
    const char *file;
    const struct tr_info *info; /* of it */
    int64_t from, to;           /* the moment; a quarter more is shown on either side */
    uint64_t g[2];              /* the goroutines that are shown; 0, 0: all */
    const char *width, *colour; /* as --width and --color say; NULL: their defaults */
};

/* Draws it on stdout after an empty line. */
void picture_of(const struct picture *p);

#endif
