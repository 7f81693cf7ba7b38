/* once_calls_itself.c - what is made once asks for itself while it is being made (a pattern of
 * hugo).
 *
 * The site's pages are collected once, by whoever asks first.  Collecting them sorts by a page's
 * next one, and that asks for the pages.  The repair hands the pages on that it has.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

enum { PAGES = 4 };

struct site {
    go_once init;
    int page[PAGES];
};

static void collect(struct site *s);

static int *pages(struct site *s)
{
    go_once_do(&s->init, collect, s);
    return s->page;
}

static int next(struct site *s, int i)
{
#ifdef REPAIRED
    return s->page[(i + 1) % PAGES];
#else
    return pages(s)[(i + 1) % PAGES];
#endif
}

static void collect(struct site *s)
{
    for (int i = 0; i < PAGES; i++)
        s->page[i] = PAGES - i;
    for (int i = 0; i + 1 < PAGES; i++)
        if (next(s, i) < s->page[i]) {
            int page = s->page[i];
            s->page[i] = s->page[i + 1];
            s->page[i + 1] = page;
        }
}

static void render(struct site *s, int i)
{
    pages(s)[i] += 0;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct site s;
    go_waitgroup wg = {0};
    for (int i = 0; i < PAGES; i++)
        go_waitgroup_go(&wg, render, &s, i);
    go_waitgroup_wait(&wg);
    return s.page[PAGES - 1] != 4;
}
