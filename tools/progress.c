/* progress.c - see progress.h. */
#include "progress.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 500, EACH_MS = 100 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const struct tr_reader *r, const char *what)
{
    *p = (struct progress){.what = what,
                           .end_ns = tr_reader_info(r)->end_ns,
                           .left = PROGRESS_EVERY,
                           .wanted = isatty(STDERR_FILENO) == 1};
    if (p->wanted)
        p->begun = p->shown = now_ms();
}

void progress_look(struct progress *p, int64_t time_ns)
{
    p->left = PROGRESS_EVERY - 1;
    p->events += PROGRESS_EVERY;
    if (!p->wanted)
        return;
    int64_t now = now_ms();
    if (now - p->begun < FIRST_MS || now - p->shown < EACH_MS)
        return;
    double share = p->end_ns > 0 ? (double)time_ns / (double)p->end_ns : 0;
    fprintf(stderr, "\r%s: %3.0f %%, %.1f million events ", p->what, share * 100,
            (double)p->events / 1e6);
    fflush(stderr);
    p->shown = now;
    p->visible = true;
}

void progress_end(struct progress *p)
{
    if (p->visible)
        fprintf(stderr, "\r%*s\r", (int)strlen(p->what) + 32, "");
    p->visible = false;
}
