/* scratch_buffer_shared_by_pages.c - all pages are rendered in one scratch buffer (a pattern of
 * hugo).
 *
 * The site keeps a buffer that saves allocations; it dates from when pages were rendered one after
 * the other.  The repair gives each goroutine a buffer of its own.
 *
 * shows: race render render
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <string.h>

struct site {
    char scratch[64];
    size_t len;
};

static void put(struct site *s, const char *text)
{
    size_t n = strlen(text);
    memcpy(s->scratch + s->len, text, n + 1);
    s->len += n;
}

static void render(struct site *s, const char *title, go_chan(size_t) sizes)
{
#ifdef REPAIRED
    struct site own = {0};
    s = &own;
#endif
    s->len = 0;
    put(s, "<h1>");
    put(s, title);
    put(s, "</h1>");
    go_chan_send(sizes, strlen(s->scratch));
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct site site;
    static const char *const titles[] = {"about", "index", "posts"};
    go_chan(size_t) sizes = go_chan_make(size_t, 3);
    for (int i = 0; i < 3; i++)
        go(render, &site, titles[i], sizes);
    size_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += go_chan_recv(sizes);
    printf("%zu bytes\n", sum);
    go_chan_free(sizes);
    return 0;
}
