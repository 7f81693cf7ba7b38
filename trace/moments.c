/* moments.c - the last moments before a program's end, as a few lines of text.
 *
 *     the last 5.0 ms (83 us a column):
 *         M0  aaaaaaaa--bbbbbbbb......aaaaaaa
 *         M1  ..cccccccccccccc-----..........
 *         a goroutine 1 main   b goroutine 7 worker   c goroutine 8 worker   - scheduler   . asleep
 *         -12.4 us  M0  goroutine 7 worker: block, chan receive 0x7f31c0
 *
 * A column shows what its thread did longest at a stretch.  Lanes are threads, because each stream
 * is the whole truth about its own thread, so that nothing has to be merged.  Plain ASCII: the
 * terminal of a crash may be a log file. */
#include "window.h"
#include "print.h"
#include "vmem.h"

enum { COLUMNS = 60, LANES_MAX = 16, EVENTS_MAX = 12, LETTERS = 26 };

/* What a thread does, beside a goroutine's id. */
#define ASLEEP    UINT64_MAX
#define SCHEDULER (UINT64_MAX - 1)
#define UNKNOWN   0

struct cell {
    uint64_t what, ticks;
};

struct strip {
    uint64_t what, since;
    bool drawn;
    struct cell cells[COLUMNS];
};

struct moment {
    struct record r;
    uint32_t m, gen;
};

struct picture {
    struct tr_view *v;
    struct strip *strips; /* by lane */
    struct moment last[EVENTS_MAX];
    size_t count;
    uint64_t letters[LETTERS];
    size_t letter_count;
    const char *(*label)(uintptr_t);
};

static double micros(const struct tr_view *v, uint64_t ticks)
{
    return (double)(tr_view_mono(v, v->w.to) - tr_view_mono(v, v->w.to - ticks)) / 1e3;
}

/* ---- what the threads did ---- */

static void paint(const struct tr_view *v, struct strip *s, uint64_t until)
{
    uint64_t from = v->w.from, width = (v->w.to - from) / COLUMNS + 1;
    for (uint64_t i = (s->since - from) / width; i < COLUMNS && from + i * width < until; i++) {
        uint64_t a = from + i * width, b = a + width;
        uint64_t n = (until < b ? until : b) - (s->since > a ? s->since : a);
        if (n > s->cells[i].ticks)
            s->cells[i] = (struct cell){s->what, n};
    }
}

static void becomes(const struct tr_view *v, struct strip *s, uint64_t what, uint64_t at)
{
    paint(v, s, at);
    s->what = what;
    s->since = at;
    s->drawn = true;
}

static void follow(const struct picture *pic, struct strip *s, const struct record *r)
{
    switch (r->type) {
    case TR_EV_GO_START:
        becomes(pic->v, s, r->args[0], r->ticks);
        break;
    case TR_EV_GO_END:
    case TR_EV_GO_YIELD:
    case TR_EV_GO_BLOCK:
    case TR_EV_M_UNPARK:
    case TR_EV_M_START:
        becomes(pic->v, s, SCHEDULER, r->ticks);
        break;
    case TR_EV_M_PARK:
        becomes(pic->v, s, ASLEEP, r->ticks);
        break;
    case TR_EV_M_STOP:
        becomes(pic->v, s, UNKNOWN, r->ticks);
        break;
    default:
        break;
    }
}

/* The events below the lanes are the goroutines' own: of threads and processors the lanes tell. */
static bool is_of_a_thread(const struct record *r)
{
    switch (r->type) {
    case TR_EV_P_START:
    case TR_EV_P_STOP:
    case TR_EV_P_STEAL:
    case TR_EV_P_RETAKE:
    case TR_EV_M_START:
    case TR_EV_M_STOP:
    case TR_EV_M_PARK:
    case TR_EV_M_UNPARK:
        return true;
    default:
        return false;
    }
}

/* Keeps the latest events, latest last. */
static void remember(struct picture *pic, const struct record *r, uint32_t m, uint32_t gen)
{
    if (is_of_a_thread(r))
        return;
    size_t at = pic->count;
    while (at > 0 && pic->last[at - 1].r.ticks > r->ticks)
        at--;
    if (pic->count < EVENTS_MAX) {
        memmove(&pic->last[at + 1], &pic->last[at], (pic->count - at) * sizeof(*pic->last));
        pic->count++;
    } else if (at > 0) {
        at--;
        memmove(&pic->last[0], &pic->last[1], at * sizeof(*pic->last));
    } else {
        return;
    }
    pic->last[at] = (struct moment){*r, m, gen};
}

static void begin_strip(const struct tr_view *v, struct strip *s, const struct lane *l)
{
    s->since = v->w.from;
    s->what = l->g ? l->g : l->parked ? ASLEEP : l->p >= 0 ? SCHEDULER : UNKNOWN;
    s->drawn = s->what != UNKNOWN;
}

static void look(struct picture *pic)
{
    struct tr_view *v = pic->v;
    for (size_t i = 0; i < v->lane_count; i++)
        begin_strip(v, &pic->strips[i], &v->lanes[i]);
    for (size_t i = 0; i < v->w.count; i++) {
        struct decoder d;
        struct record r;
        struct lane *l = tr_view_part(v, i, &d);
        while (l && tr_view_next(v, &d, &r)) {
            if (r.ticks > v->w.from) {
                follow(pic, &pic->strips[l - v->lanes], &r);
                remember(pic, &r, l->m, v->w.parts[i].gen);
            }
            tr_record_follow(&d, &r);
        }
    }
    for (size_t i = 0; i < v->lane_count; i++)
        becomes(v, &pic->strips[i], pic->strips[i].what, v->w.to);
}

/* ---- text ---- */

static const char *name_of(const struct picture *pic, uint64_t g)
{
    const struct soul *s = tr_view_soul(pic->v, g);
    const char *name = s && s->name ? pic->v->texts + s->name : NULL;
    if (!name && s && s->fn && pic->label)
        name = pic->label((uintptr_t)s->fn);
    return name ? name : "";
}

static void put_g(const struct picture *pic, struct text *t, uint64_t g)
{
    const char *name = name_of(pic, g);
    text_printf(t, "goroutine %llu%s%.40s", (unsigned long long)g, *name ? " " : "", name);
}

static char letter_of(struct picture *pic, uint64_t what)
{
    if (what == UNKNOWN)
        return ' ';
    if (what == ASLEEP || what == SCHEDULER)
        return what == ASLEEP ? '.' : '-';
    size_t i = 0;
    while (i < pic->letter_count && pic->letters[i] != what)
        i++;
    if (i == LETTERS)
        return '#';
    if (i == pic->letter_count)
        pic->letters[pic->letter_count++] = what;
    return (char)('a' + i);
}

static void print_lanes(struct picture *pic, int fd)
{
    unsigned lanes = 0, more = 0;
    for (size_t i = 0; i < pic->v->lane_count; i++) {
        const struct strip *s = &pic->strips[i];
        char row[COLUMNS + 1] = {0};
        if (pic->v->lanes[i].m == UINT32_MAX || !s->drawn)
            continue;
        if (lanes++ >= LANES_MAX) {
            more++;
            continue;
        }
        for (int c = 0; c < COLUMNS; c++)
            row[c] = letter_of(pic, s->cells[c].what);
        rt_printf(fd, "    M%-3u %s\n", pic->v->lanes[i].m, row);
    }
    if (more)
        rt_printf(fd, "    and %u more threads\n", more);
}

static void print_legend(const struct picture *pic, int fd)
{
    char buf[1000];
    struct text t;
    text_init(&t, buf, sizeof(buf));
    for (size_t i = 0; i < pic->letter_count; i++) {
        text_printf(&t, "%c ", (char)('a' + i));
        put_g(pic, &t, pic->letters[i]);
        text_printf(&t, "   ");
    }
    rt_printf(fd, "    %s%s- scheduler   . asleep\n", buf,
              pic->letter_count == LETTERS ? "# others   " : "");
}

/* The string of an event, or "?". */
static struct tr_interned string_of(const struct tr_view *v, uint32_t gen, uint64_t id)
{
    struct tr_interned e = {0}, none = {"?", 1, 0};
    struct tr_intern t = tr_dict_table(gen == v->gens[0] ? 0 : 1, false);
    for (size_t at = 0; tr_intern_next(&t, &at, &e);)
        if (e.id == id)
            return e;
    return none;
}

static void put_wait(struct text *t, uint64_t key)
{
    unsigned why = (unsigned)(key >> TR_KEY_WHY_SHIFT);
    text_printf(t, "%s", why < TR_REASONS ? tr_reason_name((enum tr_reason)why) : "?");
    if (key & TR_KEY_OBJ_MASK)
        text_printf(t, " 0x%llx", (unsigned long long)(key & TR_KEY_OBJ_MASK));
}

static void put_mark(const struct picture *pic, struct text *t, const struct moment *e)
{
    static const uint8_t text_at[] = {[TR_EV_TASK_BEGIN] = 2,
                                      [TR_EV_REGION_BEGIN] = 1,
                                      [TR_EV_REGION_END] = 1,
                                      [TR_EV_LOG] = 2,
                                      [TR_EV_GO_NAME] = 0};
    if (e->r.type == TR_EV_TASK_END)
        return;
    struct tr_interned s = string_of(pic->v, e->gen, e->r.args[text_at[e->r.type]]);
    text_printf(t, " %.*s", s.n < 100 ? (int)s.n : 100, (const char *)s.bytes);
}

static void put_what(const struct picture *pic, struct text *t, const struct moment *e)
{
    static const char *const names[] = {
#define TR_EVENT(name, number, text, ctx, args) [number] = text,
#include "events.def"
#undef TR_EVENT
    };
    const struct record *r = &e->r;
    uint64_t who =
        tr_event_defs[r->type].context == TR_CTX_G || tr_event_defs[r->type].context == TR_CTX_BY
            ? r->ctx
            : 0;
    if (r->type == TR_EV_GO_START || r->type == TR_EV_GO_STATE)
        who = r->args[0];
    if (who) {
        put_g(pic, t, who);
        text_printf(t, ": ");
    }
    text_printf(t, "%s", names[r->type]);
    switch (r->type) {
    case TR_EV_GO_CREATE:
    case TR_EV_GO_READY:
        text_printf(t, " ");
        put_g(pic, t, r->args[0]);
        break;
    case TR_EV_GO_BLOCK:
        text_printf(t, ", ");
        put_wait(t, r->args[0]);
        break;
    case TR_EV_GO_START:
        text_printf(t, " on P%llu", (unsigned long long)r->ctx);
        break;
    case TR_EV_GO_NAME:
    case TR_EV_TASK_BEGIN:
    case TR_EV_TASK_END:
    case TR_EV_REGION_BEGIN:
    case TR_EV_REGION_END:
    case TR_EV_LOG:
        put_mark(pic, t, e);
        break;
    default:
        break;
    }
}

static void print_events(const struct picture *pic, int fd)
{
    for (size_t i = 0; i < pic->count; i++) {
        const struct moment *e = &pic->last[i];
        char buf[400];
        struct text t;
        text_init(&t, buf, sizeof(buf));
        text_printf(&t, "    -%.1f us  ", micros(pic->v, pic->v->w.to - e->r.ticks));
        if (e->m != UINT32_MAX)
            text_printf(&t, "M%u  ", e->m);
        put_what(pic, &t, e);
        rt_printf(fd, "%s\n", buf);
    }
}

/* Says whether there was anything to tell of a goroutine. */
static bool tell(struct picture *pic, int fd)
{
    const struct tr_view *v = pic->v;
    look(pic);
    if (pic->count == 0)
        return false;
    double us = micros(v, v->w.to - v->w.from);
    rt_printf(fd, "the last %.1f ms (%.1f us a column):\n", us / 1e3, us / COLUMNS);
    print_lanes(pic, fd);
    print_legend(pic, fd);
    print_events(pic, fd);
    return true;
}

static bool tell_window(int fd, uint64_t units, const char *(*label)(uintptr_t fn))
{
    struct tr_view v;
    static struct picture pic; /* under rec.control */
    if (tr_view_open(&v, units) != 0)
        return true;
    size_t size = ((v.lane_count * sizeof(struct strip)) | (VM_PAGE - 1)) + 1;
    pic = (struct picture){.v = &v, .strips = vm_reserve(size), .label = label};
    bool told = pic.strips == NULL || (v.w.to > v.w.from && tell(&pic, fd));
    if (pic.strips)
        vm_release(pic.strips, size);
    tr_view_close(&v);
    return told;
}

/* Where nothing happened for longer than asked for, as before a deadlock that was found late, it
 * goes back to when something did. */
void tr_moments(int fd, int64_t duration_ns, const char *(*label)(uintptr_t fn))
{
    rt_lock(&tr_rec.control);
    if (tr_flight_on() && !tell_window(fd, tr_units(duration_ns), label) &&
        !tell_window(fd, tr_units(20 * duration_ns), label))
        tell_window(fd, 0, label);
    rt_unlock(&tr_rec.control);
}
