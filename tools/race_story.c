/* race_story.c - see race_story.h.
 *
 * News of BEFORE spread over edges: each goroutine has the time up to which it knows of BEFORE, and
 * the edge that told it.  A way is a list of edges, each once for all who share it, counted. */
#include "race_story.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "progress.h"
#include "trace_text.h"

/* ---- races ---- */

static void *room(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    char *more = cmd_alloc((*cap * 2 + 64) * size);
    if (n)
        memcpy(more, p, n * size);
    memset(more + n * size, 0, (*cap * 2 + 64 - n) * size);
    free(p);
    *cap = *cap * 2 + 64;
    return more;
}

#define NOBODY UINT64_MAX /* 0 is a thread */

static bool is_report(const struct tr_event *e)
{
    return e->type == TR_EV_LOG && e->category && strcmp(e->category, "data race") == 0 && e->text;
}

void races_read(struct races *all, struct tr_reader *r)
{
    struct progress p;
    struct tr_event e;
    uint64_t teller = NOBODY; /* of the lines from `begun` on */
    size_t begun = 0;
    progress_begin(&p, r, "looking for races");
    while (tr_reader_next(r, &e)) {
        progress_tick(&p, e.time);
        if (is_report(&e)) {
            if (e.g != teller || strncmp(e.text, "WARNING", 7) == 0)
                begun = all->line_n;
            teller = e.g;
            all->line = room(all->line, all->line_n, &all->line_cap, sizeof(*all->line));
            all->line[all->line_n++] = e.text;
        }
        if (e.type != TR_EV_RACE)
            continue;
        all->race = room(all->race, all->n, &all->cap, sizeof(*all->race));
        bool told = e.g == teller;
        all->race[all->n++] = (struct race){.n = e.n,
                                            .time = e.time,
                                            .g = e.g,
                                            .by = e.by,
                                            .addr = e.obj,
                                            .from = e.by_from,
                                            .to = e.by_to,
                                            .stack = {e.stack, e.by_stack},
                                            .access = {e.access[0], e.access[1]},
                                            .first_line = told ? begun : 0,
                                            .lines = told ? all->line_n - begun : 0};
        teller = NOBODY;
    }
    progress_end(&p);
}

void races_fini(struct races *all)
{
    free(all->race);
    free(all->line);
}

/* ---- news ---- */

struct news {
    int64_t known; /* -1: nothing */
    struct story_edge *way;
};

struct reading {
    struct race_story *s;
    struct tr_reader *r;
    struct idmap ids;
    struct news *news;
    size_t cap;
};

static void let_go(struct story_edge *e)
{
    while (e && --e->refs == 0) {
        struct story_edge *earlier = e->earlier;
        free(e);
        e = earlier;
    }
}

static struct news *news_of(struct reading *x, uint64_t g)
{
    uint32_t before = x->ids.count, n = idmap_add(&x->ids, g);
    x->news = room(x->news, n, &x->cap, sizeof(*x->news));
    if (n == before)
        x->news[n] = (struct news){.known = -1};
    return &x->news[n];
}

static void follow(struct reading *x, const struct tr_event *e)
{
    uint64_t before = x->s->g[BEFORE];
    struct news from = e->by == before ? (struct news){.known = e->time} : *news_of(x, e->by);
    struct news *to = news_of(x, e->g);
    if (e->g == before || from.known <= to->known)
        return;
    struct story_edge *edge = cmd_alloc(sizeof(*edge));
    *edge = (struct story_edge){.from = e->by,
                                .to = e->g,
                                .time = e->time,
                                .type = e->type,
                                .why = e->why,
                                .obj = e->obj,
                                .stack = e->stack,
                                .refs = 1};
    edge->from_label = trace_label(x->r, e->by);
    edge->to_label = trace_label(x->r, e->g);
    edge->earlier = from.way;
    if (from.way)
        from.way->refs++;
    let_go(to->way);
    *to = (struct news){from.known, edge};
}

/* ---- sides ---- */

static void remember(struct race_story *s, enum side side, const struct tr_event *e)
{
    s->event[side][s->events[side]++ % STORY_EVENTS] = *e;
}

static void use(struct race_story *s, enum side side, const struct tr_event *e)
{
    if (!e->obj || (e->type != TR_EV_GO_BLOCK && e->type != TR_EV_GO_READY))
        return;
    uint32_t i = idmap_add(&s->object_ids, e->obj);
    s->objects = room(s->objects, i, &s->object_cap, sizeof(*s->objects));
    s->objects[i].obj = e->obj;
    s->objects[i].why = e->why;
    s->objects[i].uses[side]++;
}

static bool is_sync(enum tr_type t)
{
    return t == TR_EV_GO_CREATE || t == TR_EV_GO_READY || t == TR_EV_GO_BLOCK || t == TR_EV_GO_END;
}

static void look(struct race_story *s, struct tr_reader *r, const struct tr_event *e)
{
    for (enum side side = NOW; side <= BEFORE; side++) {
        if (s->g[side] == 0)
            continue; /* a thread, which has no events of its own */
        bool is = e->g == s->g[side];
        bool does =
            e->by == s->g[side] && (e->type == TR_EV_GO_CREATE || e->type == TR_EV_GO_READY);
        if (is && !s->label[side])
            s->label[side] = trace_label(r, e->g);
        if (is && e->type == TR_EV_GO_NAME)
            s->label[side] = trace_label(r, e->g);
        if (is && e->type == TR_EV_GO_CREATE)
            s->created[side] = e->time;
        if (is && e->type == TR_EV_GO_END)
            s->ended[side] = e->time;
        if ((!is && !does) || !is_sync(e->type))
            continue;
        use(s, side, e);
        remember(s, side, e);
    }
}

/* ---- when the earlier access was made ---- */

static void add_run(struct race_story *s, const struct race *race, int64_t begin, int64_t end)
{
    if (end >= race->from && begin <= race->to)
        s->run[s->runs++ % STORY_RUNS] = (struct story_run){begin, end};
}

static void look_at_runs(struct race_story *s, struct tr_reader *r, const struct race *race)
{
    const struct tr_span *ended;
    for (size_t n = tr_reader_ended(r, &ended); n > 0; n--, ended++)
        if (ended->lane == TR_LANE_G && ended->id == race->by &&
            (ended->state == TR_G_RUNNING || ended->state == TR_G_DETACHED))
            add_run(s, race, ended->begin, ended->end);
}

static void narrow(struct race_story *s, struct tr_reader *r, const struct race *race)
{
    const struct tr_g *g = tr_reader_g(r, race->by);
    if (g && (g->state == TR_G_RUNNING || g->state == TR_G_DETACHED))
        add_run(s, race, g->since, race->time);
    int64_t from = race->from > s->known ? race->from : s->known, to = race->to;
    if (s->ended[BEFORE] >= 0 && s->ended[BEFORE] < to)
        to = s->ended[BEFORE];
    int64_t first = -1, last = -1;
    for (uint64_t i = s->runs > STORY_RUNS ? s->runs - STORY_RUNS : 0; i < s->runs; i++) {
        const struct story_run *run = &s->run[i % STORY_RUNS];
        if (run->end < from || run->begin > to)
            continue;
        first = first < 0 ? run->begin : first;
        last = run->end;
    }
    if (s->runs <= STORY_RUNS && first > from)
        from = first;
    if (last >= 0 && last < to)
        to = last;
    s->from = from < to ? from : to;
    s->to = to;
}

void race_story_read(struct race_story *s, struct tr_reader *r, const struct race *race)
{
    struct reading x = {.s = s, .r = r};
    struct progress p;
    struct tr_event e;
    *s = (struct race_story){.g = {race->g, race->by}, .created = {-1, -1}, .ended = {-1, -1}};
    tr_reader_rewind(r);
    progress_begin(&p, r, "reading");
    while (tr_reader_next(r, &e) && e.n < race->n) {
        progress_tick(&p, e.time);
        if ((e.type == TR_EV_GO_CREATE || e.type == TR_EV_GO_READY) && e.by)
            follow(&x, &e);
        look(s, r, &e);
        look_at_runs(s, r, race);
    }
    progress_end(&p);
    struct news *now = news_of(&x, race->g);
    s->known = now->known;
    s->way = now->way;
    now->way = NULL;
    narrow(s, r, race);
    for (uint32_t i = 0; i < x.ids.count; i++)
        let_go(x.news[i].way);
    free(x.news);
    idmap_fini(&x.ids);
}

void race_story_fini(struct race_story *s)
{
    let_go(s->way);
    free(s->objects);
    idmap_fini(&s->object_ids);
}
