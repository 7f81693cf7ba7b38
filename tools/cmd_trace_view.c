/* cmd_trace_view.c - goshawk trace view [--from T] [--to T] [--all] FILE [-o OUT.html]: a page.
 *
 * The trace is read once, from its beginning to its end; spans go out in blocks as they end, so
 * memory holds a block, and a record of about 60 bytes for each goroutine that the page names.
 * Everything that came from the traced program (names, paths) travels inside the compressed data
 * and becomes text there, never markup. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "access.h"
#include "cmd.h"
#include "idmap.h"
#include "reader.h"
#include "trace_args.h"
#include "trace_file.h"
#include "view/pack.h"
#include "view/page.h"
#include "view/page_file.h"

/* Longer traces get their short states folded (fold.h): a browser takes some millions of spans. */
enum { FOLD_FILE_SIZE = 12 << 20, FOLD_SPANS = 1500000 };

/* A goroutine of the page; its number is its place in view->g. */
struct page_g {
    uint64_t id, by;
    int64_t created;
    const char *name; /* the one that label was made of */
    uint32_t label, fn, stack;
    bool known;
};

struct page_m {
    uint32_t id, tid; /* tid: the kernel's */
};

struct view {
    struct tr_reader *r;
    struct page_file *file;
    struct fold fold;
    struct pack pack;
    struct strings strings;
    struct idmap numbers, threads, stacks;
    struct page_g *g;
    uint32_t g_cap;
    uint64_t *objects; /* addresses, by number */
    uint32_t objects_n, objects_cap;
    struct bytes marks;
    uint32_t marks_n;
    int64_t mark_time;
    struct page_m *m;
    uint32_t m_cap;
    uint64_t events, procs, procs_seen;
    bool all, window; /* --all; --from or --to */
};

/* ---- goroutines ---- */

static int64_t number_of(struct view *v, uint64_t id)
{
    if (id == 0)
        return -1;
    uint32_t n = idmap_add(&v->numbers, id);
    if (n >= v->g_cap) {
        uint32_t cap = v->g_cap * 2 + 64;
        struct page_g *g = cmd_alloc(cap * sizeof(*g));
        memset(g, 0, cap * sizeof(*g));
        if (v->g_cap)
            memcpy(g, v->g, v->g_cap * sizeof(*g));
        free(v->g);
        v->g = g;
        v->g_cap = cap;
    }
    v->g[n].id = id;
    return n;
}

static void learn(struct view *v, uint32_t number, const struct tr_g *info)
{
    struct page_g *g = &v->g[number];
    if (!info || (g->known && g->name == info->name))
        return;
    g->known = true;
    g->name = info->name;
    g->by = info->by;
    g->created = info->created;
    g->stack = info->create_stack;
    g->label = strings_add(&v->strings, tr_reader_g_label(v->r, info));
    g->fn = strings_add(&v->strings, info->fn ? tr_reader_function(v->r, info->fn) : "?");
    if (g->stack)
        idmap_add(&v->stacks, g->stack);
}

/* ---- threads ---- */

/* A thread of the page; its number is its place in view->m. */
static uint32_t thread_of(struct view *v, uint32_t m)
{
    uint32_t n = idmap_add(&v->threads, m);
    if (n >= v->m_cap) {
        uint32_t cap = v->m_cap * 2 + 16;
        struct page_m *list = cmd_alloc(cap * sizeof(*list));
        memset(list, 0, cap * sizeof(*list));
        if (v->m_cap)
            memcpy(list, v->m, v->m_cap * sizeof(*list));
        free(v->m);
        v->m = list;
        v->m_cap = cap;
    }
    v->m[n].id = m;
    return n;
}

/* ---- objects ---- */

static uint32_t object_of(struct view *v, uint64_t addr)
{
    uint32_t n = addr ? tr_reader_obj_number(v->r, addr) : 0;
    if (n >= v->objects_cap) {
        uint32_t cap = n * 2 + 64;
        uint64_t *list = cmd_alloc(cap * sizeof(*list));
        memset(list, 0, cap * sizeof(*list));
        if (v->objects_cap)
            memcpy(list, v->objects, v->objects_cap * sizeof(*list));
        free(v->objects);
        v->objects = list;
        v->objects_cap = cap;
    }
    if (n >= v->objects_n)
        v->objects_n = n + 1;
    v->objects[n] = addr;
    return n;
}

/* ---- spans and other events ---- */

static void on_span(void *arg, const struct tr_span *s)
{
    struct view *v = arg;
    uint32_t lane = s->lane == TR_LANE_M ? thread_of(v, (uint32_t)s->id) : (uint32_t)s->id;
    int64_t g = -1, by = -1;
    if (s->lane == TR_LANE_G) {
        if (s->state == TR_G_DEAD || s->id == 0)
            return;
        lane = (uint32_t)number_of(v, s->id);
        learn(v, lane, s->info);
        by = number_of(v, s->by);
        if (s->stack)
            idmap_add(&v->stacks, s->stack);
    } else {
        g = number_of(v, s->g);
        if (s->lane == TR_LANE_P && s->id >= v->procs_seen)
            v->procs_seen = s->id + 1;
    }
    struct fold_item item = {.s = *s, .lane = lane, .g = g, .by = by, .obj = object_of(v, s->obj)};
    item.s.m = thread_of(v, s->m);
    item.key = s->lane == TR_LANE_G ? item.obj : g >= 0 ? v->g[g].fn : 0;
    fold_span(&v->fold, &item);
}

static void on_folded(void *arg, const struct fold_item *item)
{
    struct view *v = arg;
    pack_span(&v->pack, item);
}

/* What both sides of a race did, and when the earlier one was: behind its mark. */
static void mark_sides(struct view *v, const struct tr_event *e)
{
    const uint32_t stacks[] = {e->stack, e->by_stack};
    struct bytes *b = &v->marks;
    for (int side = 0; side < 2; side++) {
        char text[ACCESS_TEXT_MAX];
        bytes_uint(b, strings_add(&v->strings, access_text(text, &e->access[side])));
        bytes_uint(b, stacks[side]);
        if (stacks[side])
            idmap_add(&v->stacks, stacks[side]);
    }
    bytes_uint(b, (uint64_t)(e->by_from + 1));
    bytes_uint(b, (uint64_t)e->by_to);
}

static void mark(struct view *v, const struct tr_event *e, const char *text)
{
    struct bytes *b = &v->marks;
    bytes_uint(b, e->type);
    bytes_uint(b, (uint64_t)(e->time - v->mark_time));
    bytes_uint(b, (uint64_t)(number_of(v, e->g) + 1));
    bytes_uint(b, (uint64_t)(number_of(v, e->by) + 1));
    bytes_uint(b, (uint64_t)(e->p + 1));
    bytes_uint(b, strings_add(&v->strings, text));
    v->mark_time = e->time;
    v->marks_n++;
}

static void on_event(struct view *v, const struct tr_event *e)
{
    char text[32];
    v->events++;
    uint32_t m = thread_of(v, e->m);
    v->m[m].tid = e->tid;
    switch (e->type) {
    case TR_EV_RACE:
        snprintf(text, sizeof(text), "0x%llx", (unsigned long long)e->obj);
        mark(v, e, text);
        mark_sides(v, e);
        break;
    case TR_EV_PROCS:
        v->procs = e->arg;
        snprintf(text, sizeof(text), "%llu", (unsigned long long)e->arg);
        mark(v, e, text);
        break;
    default:
        break;
    }
}

/* ---- sections at the end ---- */

/* Frames that stacks name, each once. */
struct frame_set {
    struct bytes packed;
    struct idmap places, seen;
};

static uint32_t frame_number(struct view *v, struct frame_set *set, const struct tr_frame *f,
                             bool of_runtime)
{
    uint32_t fn = strings_add(&v->strings, f->function), file = strings_add(&v->strings, f->file);
    uint32_t line = f->line > 0 ? (uint32_t)f->line & 0x3fffffff : 0;
    unsigned flags = (f->inlined ? 1u : 0) | (of_runtime ? 2u : 0);
    uint64_t place = idmap_add(&set->places, (uint64_t)fn << 32 | file);
    uint32_t before = set->seen.count;
    uint32_t n = idmap_add(&set->seen, place << 32 | line << 2 | flags);
    if (n == before) {
        bytes_uint(&set->packed, fn);
        bytes_uint(&set->packed, file);
        bytes_uint(&set->packed, line);
        bytes_uint(&set->packed, flags);
    }
    return n;
}

static void write_stack(struct view *v, struct frame_set *set, struct bytes *out, uint32_t id)
{
    enum { DEPTH_MAX = 128 };
    size_t depth;
    const uint64_t *pc = tr_reader_stack(v->r, id, &depth);
    size_t inner = tr_reader_runtime_depth(v->r, pc, depth);
    struct bytes list = {0};
    uint64_t n = 0;
    for (size_t i = 0; i < depth && n < DEPTH_MAX; i++) {
        const struct tr_frame *f;
        size_t k = tr_reader_frames(v->r, pc[i], true, &f);
        for (size_t j = 0; j < k; j++, n++)
            bytes_uint(&list, frame_number(v, set, &f[j],
                                           i < inner || tr_is_runtime_function(f[j].function)));
    }
    bytes_uint(out, id);
    bytes_uint(out, n);
    bytes_add(out, list.p, list.len);
    bytes_fini(&list);
}

static void write_stacks(struct view *v)
{
    struct frame_set set = {0};
    struct bytes stacks = {0}, out = {0};
    for (uint32_t at = 0; v->stacks.slots && at <= v->stacks.mask; at++)
        if (v->stacks.slots[at].number)
            write_stack(v, &set, &stacks, (uint32_t)v->stacks.slots[at].id);
    bytes_uint(&out, set.seen.count);
    bytes_add(&out, set.packed.p, set.packed.len);
    bytes_uint(&out, v->stacks.count);
    bytes_add(&out, stacks.p, stacks.len);
    pack_section(v->file, 'K', &out);
    bytes_fini(&set.packed);
    bytes_fini(&stacks);
    bytes_fini(&out);
    idmap_fini(&set.seen);
    idmap_fini(&set.places);
}

static void write_goroutines(struct view *v)
{
    struct bytes b = {0};
    /* Creators that have no other part in the trace get a number too. */
    for (uint32_t i = 0; i < v->numbers.count; i++)
        number_of(v, v->g[i].by);
    uint32_t unknown = strings_add(&v->strings, "?");
    bytes_uint(&b, v->numbers.count);
    uint64_t id = 0;
    for (uint32_t i = 0; i < v->numbers.count; i++) {
        const struct page_g *g = &v->g[i];
        bytes_int(&b, (int64_t)(g->id - id));
        id = g->id;
        bytes_uint(&b, g->known ? (uint64_t)(number_of(v, g->by) + 1) : 0);
        bytes_uint(&b, g->known ? (uint64_t)(g->created + 1) : 0);
        bytes_uint(&b, g->known ? g->label : unknown);
        bytes_uint(&b, g->known ? g->fn : unknown);
        bytes_uint(&b, g->stack);
    }
    pack_section(v->file, 'G', &b);
    bytes_fini(&b);
}

static void write_meta(struct view *v)
{
    const struct tr_info *info = tr_reader_info(v->r);
    char verdict[256];
    struct bytes b = {0};
    tr_reader_verdict(v->r, verdict, sizeof(verdict));
    bytes_printf(&b, "{\"version\":1,\"path\":");
    const char *slash = strrchr(info->path, '/');
    bytes_json(&b, slash ? slash + 1 : info->path);
    bytes_printf(&b, ",\"command\":");
    bytes_json(&b, info->command ? info->command : "");
    bytes_printf(&b, ",\"verdict\":");
    bytes_json(&b, verdict);
    bytes_printf(
        &b,
        ",\"whole\":%s,\"end_ns\":%lld,\"pid\":%u,\"wall_start_ns\":\"%lld\""
        ",\"events\":%llu,\"procs\":%llu,\"mark_race\":%d,\"mark_procs\":%d",
        info->problem || info->end != TR_END_STOPPED ? "false" : "true", (long long)info->end_ns,
        info->pid, (long long)info->wall_start_ns, (unsigned long long)v->events,
        (unsigned long long)(v->procs ? v->procs : v->procs_seen), TR_EV_RACE, TR_EV_PROCS);
    if (v->window)
        bytes_printf(&b, ",\"window\":[%lld,%lld]", (long long)v->fold.from,
                     (long long)(v->fold.to < info->end_ns ? v->fold.to : info->end_ns));
    bytes_printf(&b, ",\"folded\":%llu", (unsigned long long)v->fold.folded);
    bytes_printf(&b, ",\"reasons\":[");
    for (int why = 0; why < TR_REASONS; why++) {
        bytes_printf(&b, "%s{\"name\":", why ? "," : "");
        bytes_json(&b, tr_reason_name((enum tr_reason)why));
        bytes_printf(&b, ",\"kind\":");
        bytes_json(&b, tr_reason_kind((enum tr_reason)why));
        bytes_printf(&b, ",\"cls\":%d}", (int)tr_reason_class((enum tr_reason)why));
    }
    bytes_printf(&b, "],\"threads\":[");
    for (uint32_t m = 0; m < v->threads.count; m++)
        bytes_printf(&b, "%s{\"id\":%u,\"tid\":%u}", m ? "," : "", v->m[m].id, v->m[m].tid);
    static const char event_names[] =
#define TR_EVENT(name, number, text, context, arguments) ",\"" text "\""
#include "events.def"
#undef TR_EVENT
        ;
    bytes_printf(&b, "],\"event_names\":[%s]}", event_names + 1);
    pack_section(v->file, 'J', &b);
    bytes_fini(&b);
}

static void write_tail(struct view *v)
{
    struct bytes b = {0};
    fold_finish(&v->fold);
    pack_flush(&v->pack);
    write_stacks(v);
    write_goroutines(v);
    bytes_uint(&b, v->marks_n);
    bytes_add(&b, v->marks.p, v->marks.len);
    pack_section(v->file, 'E', &b);
    b.len = 0;
    bytes_uint(&b, v->objects_n);
    for (uint32_t i = 0; i < v->objects_n; i++)
        bytes_uint(&b, v->objects[i]);
    pack_section(v->file, 'O', &b);
    b.len = 0;
    strings_pack(&v->strings, &b);
    pack_section(v->file, 'T', &b);
    write_meta(v);
    b.len = 0;
    pack_section(v->file, 'Z', &b);
    bytes_fini(&b);
}

/* ---- the command ---- */

static bool write_page(struct view *v)
{
    strings_add(&v->strings, "");
    page_file_text(v->file, page_head, page_head_len);
    v->pack.file = v->file;
    v->fold.emit = on_folded;
    v->fold.arg = v;
    v->fold.end = tr_reader_info(v->r)->end_ns;
    if (!v->all && tr_reader_info(v->r)->file_size > FOLD_FILE_SIZE && v->fold.end > 0)
        v->fold.most = FOLD_SPANS;
    struct tr_spans *spans = tr_spans_make(v->r, on_span, v);
    if (!spans)
        return false;
    struct tr_event e;
    while (tr_reader_next(v->r, &e)) {
        on_event(v, &e);
        tr_spans_feed(spans, &e);
    }
    tr_spans_finish(spans);
    write_tail(v);
    tr_spans_free(spans);
    page_file_data_end(v->file);
    page_file_text(v->file, page_tail, page_tail_len);
    return true;
}

static void view_fini(struct view *v)
{
    pack_fini(&v->pack);
    strings_fini(&v->strings);
    idmap_fini(&v->numbers);
    idmap_fini(&v->threads);
    idmap_fini(&v->stacks);
    bytes_fini(&v->marks);
    free(v->g);
    free(v->m);
    free(v->objects);
}

/* trace.gtrace -> trace.html, in the folder that the trace lies in. */
static char *default_out(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    int stem = dot && dot > name ? (int)(dot - path) : (int)strlen(path);
    return cmd_printf("%.*s.html", stem, path);
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Where the page is, as something a browser takes: bytes that a URL does not allow are escaped. */
static void print_url(const char *path)
{
    char *real = realpath(path, NULL);
    fputs("open it with a browser: file://", stdout);
    for (const char *s = real ? real : path; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c > 0x20 && c < 0x7f && !strchr("%#?\"<>", c))
            putchar(c);
        else
            printf("%%%02X", c);
    }
    putchar('\n');
    free(real);
}

static int view_to(const char *cmd, struct view *v, const char *in, const char *out)
{
    int code = trace_file_open_path(cmd, in, &v->r), error = 0;
    if (code != CMD_OK)
        return code;
    uint64_t size = 0;
    int64_t end = tr_reader_info(v->r)->end_ns;
    if (v->window && v->fold.from >= end)
        code = cmd_failed(cmd, "--from lies behind the end of %s (%.9g s)", in, (double)end / 1e9);
    else if (same_file(in, out))
        code = cmd_failed(cmd, "%s is the trace itself; name another file with -o", out);
    else if (!(v->file = page_file_make(out, &error)))
        code = cmd_failed(cmd, "cannot write %s: %s", out, strerror(-error));
    if (code == CMD_OK) {
        bool whole = write_page(v);
        error = page_file_finish(v->file, whole, &size);
        if (!whole)
            code = cmd_failed(cmd, "out of memory");
        else if (error)
            code = cmd_failed(cmd, "cannot write %s: %s", out, strerror(-error));
    }
    if (code == CMD_OK) {
        trace_file_note(cmd, v->r);
    }
    if (code == CMD_OK && is_file(out)) { /* else the page may have gone to stdout */
        printf("%s: %.1f KiB, %llu events, %u goroutines\n", out, (double)size / 1024,
               (unsigned long long)v->events, v->numbers.count);
        if (v->fold.folded)
            printf("short states are folded; --from and --to keep all of a window, --all all\n");
        print_url(out);
    }
    view_fini(v);
    tr_reader_close(v->r);
    return code;
}

/* --from and --to.  Without a window everything may be folded. */
static int take_window(const char *cmd, struct view *v, const struct trace_args *a)
{
    v->window = trace_args_has_window(a);
    v->fold.from = v->window ? a->from : INT64_MAX;
    v->fold.to = v->window ? a->to : INT64_MIN;
    if (v->window && a->from >= a->to)
        return cmd_wrong_use(cmd, "the window is empty: --from must be before --to");
    return CMD_OK;
}

int cmd_trace_view(int argc, char **argv)
{
    const char *in = NULL, *out = NULL;
    struct view v = {0};
    struct trace_args a;
    const struct trace_option more[] = {{"-o", &out, NULL}, {"--all", NULL, &v.all}, {0}};
    int code = trace_args_read(argc, argv, &a, "f", more);
    if (code == CMD_OK && !(in = trace_args_file(argv[0], &a)))
        code = CMD_WRONG_USE;
    if (code == CMD_OK)
        code = take_window(argv[0], &v, &a);
    if (code == CMD_OK) {
        char *named = out ? cmd_strdup(out) : default_out(in);
        code = view_to(argv[0], &v, in, named);
        free(named);
    }
    trace_args_fini(&a);
    return code;
}
