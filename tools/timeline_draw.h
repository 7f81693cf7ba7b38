/* timeline_draw.h - writes a filled timeline to the terminal, or as plain text. */
#ifndef TIMELINE_DRAW_H
#define TIMELINE_DRAW_H

#include <stdbool.h>
#include <stdio.h>
#include "timeline.h"

enum { TD_LABEL_MAX = 24 };

struct td {
    FILE *out;
    bool colour;    /* blocks and colours; else ASCII */
    unsigned width; /* of the terminal */
    unsigned label; /* width of the labels */
    int fg, bg;     /* colours set; -1: the terminal's own */
};

/* Columns that labels of this timeline take, and the share of the time that follows them. */
unsigned td_label_width(const struct td *d, const struct timeline *t, bool p_rows, bool g_rows,
                        bool fn_rows);
enum { TD_SHARE = 6 };

void td_axis(struct td *d, const struct timeline *t);
void td_rows(struct td *d, const struct timeline *t, enum tl_lane lane);
void td_legend(struct td *d, const struct timeline *t);
void td_table(struct td *d, const struct timeline *t, uint32_t max);

/* "12.3ms" */
void td_duration(char buf[16], double ns);

/* Copies text for a terminal: at most max columns, no control characters.  Returns the columns. */
unsigned td_clean(char *buf, size_t cap, const char *text, unsigned max, bool utf8);

#endif
