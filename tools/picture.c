/* picture.c - see picture.h. */
#include "picture.h"
#include <stdio.h>
#include <stdlib.h>
#include "cmd.h"

enum { WORDS = 16 };

void picture_of(const struct picture *p)
{
    int64_t around = (p->to - p->from) / 4 + p->info->end_ns / 200 + 1;
    int64_t from = p->from > around ? p->from - around : 0;
    char *word[WORDS] = {cmd_strdup("goshawk trace timeline"),
                         cmd_printf("--from=%lldns", (long long)from),
                         cmd_printf("--to=%lldns", (long long)(p->to + around))};
    int n = 3;
    if (p->width)
        word[n++] = cmd_printf("--width=%s", p->width);
    if (p->colour)
        word[n++] = cmd_printf("--color=%s", p->colour);
    if (p->g[0] && p->g[1])
        word[n++] = cmd_printf("--filter=g:%llu,%llu", (unsigned long long)p->g[0],
                               (unsigned long long)p->g[1]);
    else if (p->g[0] || p->g[1])
        word[n++] = cmd_printf("--filter=g:%llu", (unsigned long long)(p->g[0] | p->g[1]));
    word[n++] = cmd_strdup(p->file);
    putchar('\n');
    fflush(stdout);
    cmd_trace_timeline(n, word);
    for (int i = 0; i < n; i++)
        free(word[i]);
}
