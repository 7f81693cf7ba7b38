/* story_other.c - reports of what is no race: inversions of locks, misuse of locks, leaked threads
 * and goroutines.
 *
 * All have one form: a heading, and stacks with titles.  In JSON:
 *   {"type":"lock-order-inversion"|"recursive-read-lock"|"mutex-misuse"|"thread-leak"|
 *            "goroutine-leak",
 *    "pid":1,"number":1,"fingerprint":"...",
 *    "title":"...","stacks":[{"title":"...","stack":STACK}...],"reproduce":"..."}
 * STACK as in story_json.c. */
#include "story.h"
#include "print.h"
#include <string.h>
#include <unistd.h>

enum { NAME = 256, HOLDERS_SHOWN = 4, OBJECTS_SHOWN = 4 };

static void flow_name(const struct rc_flow_id *f, bool begins, char *buf, size_t size)
{
    struct rc_life l = {.kind = f->kind, .id = f->id};
    memcpy(l.name, f->name, sizeof l.name);
    story_name(&l, buf, size);
    if (begins && *buf >= 'a' && *buf <= 'z')
        *buf = (char)(*buf - 'a' + 'A');
}

static struct text begin_part(struct story_other *s, rc_site site)
{
    struct text t;
    struct story_part *p = &s->part[s->n_parts < STORY_PARTS_MAX ? s->n_parts++ : 0];
    trail_free(&p->trail);
    trail_make(&p->trail, site);
    text_init(&t, p->title, sizeof p->title);
    return t;
}

/* Where it was created, unless that was told before or nobody created it. */
static void add_creation(struct story_other *s, const struct rc_flow_id *f)
{
    char who[NAME], title[NAME + 16];
    struct text t;
    struct rc_life l = {.kind = f->kind, .id = f->id};
    if (f->created_at == 0 || story_is_first(&l))
        return;
    flow_name(f, true, who, sizeof who);
    text_init(&t, title, sizeof title);
    text_printf(&t, "%s created at", who);
    for (size_t i = 0; i < s->n_parts; i++)
        if (strcmp(s->part[i].title, title) == 0)
            return;
    t = begin_part(s, f->created_at);
    text_printf(&t, "%s", title);
}

void story_circle(struct story_other *s, const struct rc_circle *circle)
{
    char who[NAME], held[NAME], taken[NAME];
    s->type = "lock-order-inversion";
    s->title = "LOCK ORDER INVERSION (potential deadlock)";
    for (unsigned i = 0; i < circle->n; i++) {
        const struct rc_circle_edge *e = &circle->edge[i];
        flow_name(&e->by, true, who, sizeof who);
        story_object_name(e->held.lock, e->held.taken_at, held, sizeof held);
        story_object_name(e->taken.lock, e->taken.taken_at, taken, sizeof taken);
        struct text t = begin_part(s, e->taken.taken_at);
        text_printf(&t, "%s takes %s %s, while it holds %s %s", who, e->taken.kind, taken,
                    e->held.kind, held);
        t = begin_part(s, e->held.taken_at);
        text_printf(&t, "It took %s %s at", e->held.kind, held);
    }
    for (unsigned i = 0; i < circle->n; i++)
        add_creation(s, &circle->edge[i].by);
}

void story_reread(struct story_other *s, const struct rc_reread *r)
{
    char reader[NAME], writer[NAME], object[NAME];
    s->type = "recursive-read-lock";
    s->title = "RECURSIVE READ LOCK (potential deadlock)";
    flow_name(&r->reader, true, reader, sizeof reader);
    flow_name(&r->writer, true, writer, sizeof writer);
    story_object_name(r->again.lock, r->again.taken_at, object, sizeof object);
    struct text t = begin_part(s, r->again.taken_at);
    text_printf(&t, "%s takes %s %s for reading again, while it reads", reader, r->again.kind,
                object);
    t = begin_part(s, r->first.taken_at);
    text_printf(&t, "It took %s %s for reading at", r->first.kind, object);
    t = begin_part(s, r->written.taken_at);
    text_printf(&t,
                "%s takes %s %s for writing; were it to ask between these two, both would wait for "
                "ever",
                writer, r->written.kind, object);
    add_creation(s, &r->reader);
    add_creation(s, &r->writer);
}

void story_misuse(struct story_other *s, const struct rc_misuse *m)
{
    char who[NAME], object[NAME];
    s->type = "mutex-misuse";
    s->title = "MUTEX MISUSE";
    flow_name(&m->by, false, who, sizeof who);
    story_object_name(m->lock, m->where, object, sizeof object);
    struct text t = begin_part(s, m->where);
    text_printf(&t, "%c%s by %s: %s %s", *m->what - 'a' + 'A', m->what + 1, who, m->kind, object);
    add_creation(s, &m->by);
}

void story_thread_leak(struct story_other *s, const struct rc_flow_id *thread)
{
    char who[NAME];
    s->type = "thread-leak";
    s->title = "THREAD LEAK";
    flow_name(thread, true, who, sizeof who);
    struct text t = begin_part(s, thread->created_at);
    text_printf(&t, "%s has ended, and was neither joined nor detached; created at", who);
}

static bool is_held(const struct rc_blocked_on *o)
{
    struct rc_holder any;
    return o->is_lock && rc_holders_of(o->obj, &any, 1) > 0;
}

/* Where the object of a blocked flow comes from, and who has it. */
static void add_object(struct story_other *s, const struct rc_blocked_on *o, const char *name)
{
    struct rc_holder holders[HOLDERS_SHOWN];
    struct location l = location_find((uintptr_t)o->obj);
    char who[NAME];
    unsigned n = o->is_lock ? rc_holders_of(o->obj, holders, HOLDERS_SHOWN) : 0;
    for (unsigned i = 0; i < n; i++) {
        flow_name(&holders[i].by, false, who, sizeof who);
        struct text t = begin_part(s, holders[i].lock.taken_at);
        text_printf(&t, "The %s %s is held%s by %s%s, taken at", o->kind, name,
                    holders[i].lock.for_write ? "" : " for reading", who,
                    holders[i].ended ? ", which has ended" : "");
    }
    if (o->made_pc) {
        struct text t = begin_part(s, rc_here(NULL, o->made_pc));
        text_printf(&t, "The %s %s was made at", o->kind, name);
    } else if (l.kind == LOCATION_HEAP && l.block.site) {
        struct text t = begin_part(s, l.block.site);
        text_printf(&t, "The heap block of %zu bytes was allocated at", l.block.size);
    }
}

void story_blocked(struct story_other *s, const struct rc_blocked *b)
{
    char who[NAME], object[NAME];
    struct rc_flow_id first = rc_flow_of(b->ctx);
    s->type = "goroutine-leak";
    s->title = "GOROUTINE LEAK";
    flow_name(&first, true, who, sizeof who);
    struct text t = begin_part(s, rc_waits_at(b->ctx));
    text_printf(&t, "%s", who);
    if (b->n > 1)
        text_printf(&t, " and %zu more (%s)", b->n - 1, b->others);
    text_printf(&t, " %s %s in %s", b->n > 1 ? "are" : "is",
                b->for_ever ? "blocked for ever" : "still blocked", b->why);
    for (size_t i = 0; i < b->n_on && i < OBJECTS_SHOWN; i++) {
        story_object_name(b->on[i].obj, rc_waits_at(b->ctx), object, sizeof object);
        const struct rc_blocked_on *o = &b->on[i];
        text_printf(&t, "%s%s%s %s%s%s",
                    i         ? ", or "
                    : b->same ? ", on "
                              : ", the first on ",
                    o->want, o->kind, object, is_held(o) ? "" : o->held, o->state);
    }
    if (b->n_on > OBJECTS_SHOWN)
        text_printf(&t, ", ...");
    for (size_t i = 0; i < b->n_on && i < OBJECTS_SHOWN; i++) {
        story_object_name(b->on[i].obj, rc_waits_at(b->ctx), object, sizeof object);
        add_object(s, &b->on[i], object);
    }
    add_creation(s, &first);
}

void story_other_free(struct story_other *s)
{
    for (size_t i = 0; i < s->n_parts; i++)
        trail_free(&s->part[i].trail);
    *s = (struct story_other){0};
}

void story_other_text(const struct story_other *s, struct log_text *out)
{
    log_printf(out, "==================\nWARNING: %s\n", s->title);
    for (size_t i = 0; i < s->n_parts; i++) {
        log_printf(out, "%s%s:\n", i ? "\n" : "", s->part[i].title);
        story_text_trail(out, &s->part[i].trail);
    }
    if (s->reproduce)
        log_printf(out, "\nReproduce: %s\n", s->reproduce);
    log_printf(out, "==================\n");
}

void story_other_json(const struct story_other *s, struct log_text *o)
{
    log_printf(o, "{\"type\":\"%s\",\"pid\":%d,\"number\":%u,\"fingerprint\":\"%016llx\"", s->type,
               (int)getpid(), s->number, (unsigned long long)s->fingerprint);
    log_printf(o, ",\"title\":");
    log_json(o, s->title);
    log_printf(o, ",\"stacks\":[");
    for (size_t i = 0; i < s->n_parts; i++) {
        log_printf(o, "%s{\"title\":", i ? "," : "");
        log_json(o, s->part[i].title);
        log_printf(o, ",\"stack\":");
        story_json_trail(o, &s->part[i].trail);
        log_printf(o, "}");
    }
    log_printf(o, "]");
    if (s->reproduce) {
        log_printf(o, ",\"reproduce\":");
        log_json(o, s->reproduce);
    }
    log_printf(o, "}\n");
}
