/* story_text.c - reports for people, in the layout of Go's race detector.
 *
 * Lines that Go has keep its words and order, so that scripts and eyes know them; what is new (the
 * location, the locks, the ancestry beyond one level) follows the same indentation.  A line that
 * could only say "unknown" is left out. */
#include "story.h"
#include "flags.h"
#include "print.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_ = 256 };

static const char bar[] = "==================\n";

bool story_is_first(const struct rc_life *l)
{
    return l->kind == RC_GOROUTINE ? l->id == 1 : l->id == 0;
}

void story_name(const struct rc_life *l, char *buf, size_t size)
{
    struct text t;
    text_init(&t, buf, size);
    const char *kind = l->kind == RC_GOROUTINE ? "goroutine" : "thread";
    if (story_is_first(l))
        text_printf(&t, "main %s", kind);
    else
        text_printf(&t, "%s %s%llu", kind, l->kind == RC_THREAD ? "T" : "",
                    (unsigned long long)l->id);
    if (l->name[0])
        text_printf(&t, " (%s)", l->name);
}

static const struct {
    const char *type, *title;
} kinds[] = {
    [STORY_RACE] = {"race", "DATA RACE"},
    [STORY_USED_FREED] = {"heap-use-after-free", "HEAP USE AFTER FREE"},
    [STORY_FREED_TWICE] = {"double-free", "DOUBLE FREE"},
};

const char *story_type(const struct story *s)
{
    return kinds[s->kind].type;
}

const char *story_title(const struct story *s)
{
    bool frees = s->access[0].info->free && s->access[1].info->free;
    return s->kind == STORY_RACE && frees ? "DOUBLE FREE (raced)" : kinds[s->kind].title;
}

static void print_place(struct log_text *out, const char *file, int line)
{
    char name[PATH_MAX];
    log_printf(out, "%s:%d", trail_file(file, name), line);
}

void story_text_trail(struct log_text *out, const struct trail *t)
{
    size_t most = rc_flags()->max_frames ? (size_t)rc_flags()->max_frames : t->n;
    for (size_t i = 0; i < t->n && i < most; i++) {
        const struct symbol_frame *f = &t->frame[i];
        log_printf(out, "  %s()", f->function);
        if (f->file) {
            log_printf(out, " ");
            print_place(out, f->file, f->line);
            if (f->column)
                log_printf(out, ":%d", f->column);
        } else {
            const char *module = trail_module(t->pc[i]);
            log_printf(out, " %s", module ? module : "?");
            if (module)
                log_printf(out, "+0x%lx", (unsigned long)trail_offset(t->pc[i]));
        }
        log_printf(out, "\n");
    }
    if (t->n > most)
        log_printf(out, "  (and %zu more)\n", t->n - most);
    if (t->n == 0)
        log_printf(out, "  (the stack is not known)\n");
    if (t->folded)
        log_printf(out, "  (repeated recursion is left out)\n");
}

static void print_access(struct log_text *out, const struct story_access *a, bool previous)
{
    char who[128];
    const struct rc_access_info *i = a->info;
    story_name(i->by, who, sizeof who);
    log_printf(out, "%s%s%s at 0x%012llx by %s:\n",
               previous   ? i->write ? "Previous write" : "Previous read"
               : i->write ? "Write"
                          : "Read",
               i->free ? " (free)" : "", i->atomic ? " (atomic)" : "", (unsigned long long)i->addr,
               who);
    story_text_trail(out, &a->trail);
}

/* "stack variable 'point' of 8 bytes, in point.x, in worker(), f.c:12, on the " */
static void print_local(struct log_text *out, const struct location *l)
{
    const struct symbol_local *v = &l->local;
    log_printf(out, "stack variable '%s' of %zu bytes", v->name, v->size);
    if (v->part[0])
        log_printf(out, ", in %s%s", v->name, v->part);
    else if (l->addr != v->start)
        log_printf(out, " at offset %zu", (size_t)(l->addr - v->start));
    log_printf(out, ", of %s()", v->function);
    if (v->file) {
        log_printf(out, ", ");
        print_place(out, v->file, v->line);
    }
    log_printf(out, ", on the ");
}

static void print_location(struct log_text *out, const struct story *s)
{
    char who[128];
    const struct location *l = &s->location;
    switch (l->kind) {
    case LOCATION_GLOBAL:
        log_printf(out, "\nLocation: global '%s' of %zu bytes", l->global.name, l->global.size);
        if (l->global.part[0])
            log_printf(out, ", in %s%s", l->global.name, l->global.part);
        else if (l->addr != l->global.start)
            log_printf(out, " at offset %zu", (size_t)(l->addr - l->global.start));
        if (l->global.file) {
            log_printf(out, ", ");
            print_place(out, l->global.file, l->global.line);
        }
        log_printf(out, "\n");
        break;
    case LOCATION_HEAP:
        log_printf(out, "\nLocation: heap block of %zu bytes at 0x%012llx, offset %zu, %s",
                   l->block.size, (unsigned long long)l->block.start,
                   (size_t)(l->addr - l->block.start),
                   l->block.freed ? "freed, was allocated" : "allocated");
        if (l->block.by) {
            story_name(l->block.by, who, sizeof who);
            log_printf(out, " by %s", who);
        }
        log_printf(out, " at:\n");
        story_text_trail(out, &s->allocated_at);
        if (l->has_pointee)
            log_printf(out, "  used as %s%s%s%s\n", l->pointee.type,
                       l->pointee.part[0] == '[' ? "[]" : "", l->pointee.part[0] ? ", in " : "",
                       l->pointee.part);
        break;
    case LOCATION_STACK:
        story_name(l->stack, who, sizeof who);
        log_printf(out, "\nLocation: ");
        if (l->has_local)
            print_local(out, l);
        log_printf(out, "stack of %s, %zu bytes below its top\n", who, l->depth);
        break;
    case LOCATION_THING:
        log_printf(out, "\nLocation: %s 0x%012llx%s", l->thing.kind, (unsigned long long)l->addr,
                   l->thing.state);
        log_printf(out, s->allocated_at.n ? ", made at:\n" : "\n");
        if (s->allocated_at.n)
            story_text_trail(out, &s->allocated_at);
        break;
    case LOCATION_UNKNOWN:
        break;
    }
}

/* "mutex 'pool.mu' (taken at f.c:12)", "mutex 'struct pool.mu' at 0x... (taken at f.c:12)" */
static void print_lock(struct log_text *out, const struct rc_held_lock *k)
{
    char name[NAME_MAX_];
    struct text of;
    struct trail t;
    struct location l = story_lock_location(k);
    text_init(&of, name, sizeof name);
    bool named = location_object(&l, &of);
    log_printf(out, "%s ", k->kind);
    if (named)
        log_printf(out, "'%s'", name);
    if (named && l.kind == LOCATION_STACK)
        log_printf(out, " of %s()", l.local.function);
    if (!named || l.kind == LOCATION_HEAP)
        log_printf(out, "%s0x%012llx", named ? " at " : "", (unsigned long long)l.addr);
    if (!k->for_write)
        log_printf(out, " for reading");
    trail_make(&t, k->taken_at);
    if (t.n && t.frame[0].file) {
        log_printf(out, " (taken at ");
        print_place(out, t.frame[0].file, t.frame[0].line);
        log_printf(out, ")");
    }
    trail_free(&t);
}

static void print_locks_of(struct log_text *out, const struct rc_access_info *a)
{
    char who[128];
    story_name(a->by, who, sizeof who);
    log_printf(out, "  by %s: ", who);
    if (!a->locks_known)
        log_printf(out, "not remembered");
    else if (a->n_locks == 0)
        log_printf(out, "none");
    for (unsigned k = 0; a->locks_known && k < a->n_locks && k < RC_LOCKS_SHOWN; k++) {
        log_printf(out, k ? ", " : "");
        print_lock(out, &a->lock[k]);
    }
    if (a->locks_known && a->n_locks > RC_LOCKS_SHOWN)
        log_printf(out, " and %u more", a->n_locks - RC_LOCKS_SHOWN);
    log_printf(out, "\n");
}

static void print_locks(struct log_text *out, const struct story *s)
{
    const struct rc_access_info *a = s->access[0].info, *b = s->access[1].info;
    bool some = (a->locks_known && a->n_locks) || (b->locks_known && b->n_locks);
    if (!some) {
        if (a->locks_known && b->locks_known)
            log_printf(out, "\nLocks held: none\n");
        return;
    }
    log_printf(out, "\nLocks held:\n");
    print_locks_of(out, a);
    print_locks_of(out, b);
}

static void print_life(struct log_text *out, const struct story_life *l)
{
    const char *state = l->finished ? "finished" : "running";
    if (l->life->kind == RC_GOROUTINE)
        log_printf(out, "\nGoroutine %llu (%s) created at:\n", (unsigned long long)l->life->id,
                   state);
    else
        log_printf(out, "\nThread T%llu (%s) created at:\n", (unsigned long long)l->life->id,
                   state);
    story_text_trail(out, &l->created_at);
}

static void print_why(struct log_text *out, const struct story *s)
{
    if (s->n_why)
        log_printf(out, "\nNot ordered because:\n");
    for (size_t i = 0; i < s->n_why; i++)
        log_printf(out, "  %s\n", s->why[i]);
}

void story_color(struct log_text *t)
{
    struct log_text c = {0};
    size_t n;
    for (const char *at = t->buf, *end = at + t->len; at < end; at += n + 1) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        n = (size_t)((stop ? stop : end) - at);
        const char *on = strncmp(at, "WARNING", 7) == 0 ? "\033[1;31m"
                         : n == 0 || *at == ' '         ? ""
                         : *at == '='                   ? "\033[2m"
                                                        : "\033[1m";
        log_printf(&c, "%s%.*s%s\n", on, (int)n, at, *on ? "\033[0m" : "");
    }
    free(t->buf);
    *t = c;
}

void story_text(const struct story *s, struct log_text *out)
{
    log_printf(out, "%sWARNING: %s\n", bar, story_title(s));
    print_access(out, &s->access[0], false);
    log_printf(out, "\n");
    print_access(out, &s->access[1], true);
    print_location(out, s);
    print_locks(out, s);
    print_why(out, s);
    for (size_t i = 0; i < s->n_lives; i++)
        print_life(out, &s->life[i]);
    if (s->reproduce)
        log_printf(out, "\nReproduce: %s\n", s->reproduce);
    log_printf(out, "%s", bar);
}
