/* shortcode_renders_its_own_page.c - content is made once, and the making asks for it (after hugo
 * #5379).
 *
 * A page's content is rendered once, by a goroutine under the page's lock, and waited for.  The
 * template of a shortcode in it asks for the page's number of words, which wants the lock.  The
 * repair tells what it calls that the lock is held.
 *
 * shows: deadlock
 * when: always */
#include <goshawk.h>

struct page {
    go_once init;
    go_mutex content_mu;
    int words, summary; /* content_mu */
};

static int word_count(struct page *p, bool lock)
{
    if (lock)
        go_mutex_lock(&p->content_mu);
    int r = p->words;
    if (lock)
        go_mutex_unlock(&p->content_mu);
    return r;
}

static int shortcode(struct page *p)
{
#ifdef REPAIRED
    return word_count(p, false) / 2;
#else
    return word_count(p, true) / 2;
#endif
}

static void render(struct page *p, go_chan(char) done)
{
    go_mutex_lock(&p->content_mu);
    p->words = 40;
    p->summary = shortcode(p);
    go_mutex_unlock(&p->content_mu);
    go_chan_close(done);
}

static void init_content(struct page *p)
{
    go_chan(char) done = go_chan_make(char, 0);
    go(render, p, done);
    go_chan_recv(done);
}

static void build(struct page *p)
{
    go_once_do(&p->init, init_content, p);
    word_count(p, true);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct page p;
    go_waitgroup wg = {0};
    for (int i = 0; i < 3; i++)
        go_waitgroup_go(&wg, build, &p);
    go_waitgroup_wait(&wg);
    return p.summary != 20;
}
