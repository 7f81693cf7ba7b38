/* story_json.c - reports for programs: one JSON object a line.
 *
 *   {"type":"race"|"heap-use-after-free"|"double-free",
 *    "pid":1,"number":1,"fingerprint":"0123456789abcdef",
 *    "accesses":[ACCESS,ACCESS],      the one found now, the one before (a free, if no race)
 *    "location":{"kind":"global"|"heap"|"stack"|"chan"|"unknown", ...},
 *    "lives":[LIFE...],               both flows and their ancestors, but not the first ones
 *    "not_ordered_because":["..."],   sentences
 *    "reproduce":"..."}               only when the host says how
 *   ACCESS: {"kind":"read"|"write"|"free","atomic":b,"address":"0x..","size":n,"by":FLOW,
 *            "stack":STACK,"locks":[LOCK...]|null}     null: not remembered
 *   FLOW:   {"kind":"goroutine"|"thread","id":n,"name":"...","main":b}
 *   STACK:  [{"function":"f","file":"/a/b.c","line":1,"column":2,"inlined":b,"module":"...",
 *             "offset":"0x..","pc":"0x.."}...]     offset: of pc in the module, for addr2line
 *   LIFE:   FLOW with "state":"running"|"finished","created_at":STACK
 *   LOCK:   {"kind":"mutex","address":"0x..","name":"pool.mu","write":b,"taken_at":STACK}
 *
 * Files are whole paths less strip_path_prefix; addresses are strings, because JSON numbers lose
 * bits beyond 2^53.  Keys whose value is unknown are absent. */
#include "story.h"
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *yes(bool b)
{
    return b ? "true" : "false";
}

static void put_address(struct log_text *o, const char *key, uintptr_t addr)
{
    log_printf(o, "\"%s\":\"0x%llx\"", key, (unsigned long long)addr);
}

static void put_file(struct log_text *o, const char *path, int line)
{
    char name[PATH_MAX];
    log_printf(o, ",\"file\":");
    log_json(o, trail_whole_file(path, name));
    log_printf(o, ",\"line\":%d", line);
}

void story_json_trail(struct log_text *o, const struct trail *t)
{
    log_printf(o, "[");
    for (size_t i = 0; i < t->n; i++) {
        const struct symbol_frame *f = &t->frame[i];
        const char *module = trail_module(t->pc[i]);
        log_printf(o, "%s{\"function\":", i ? "," : "");
        log_json(o, f->function);
        if (f->file)
            put_file(o, f->file, f->line);
        if (f->column)
            log_printf(o, ",\"column\":%d", f->column);
        log_printf(o, ",\"inlined\":%s", yes(f->inlined));
        if (module) {
            log_printf(o, ",\"module\":");
            log_json(o, module);
            log_printf(o, ",");
            put_address(o, "offset", trail_offset(t->pc[i]));
        }
        log_printf(o, ",");
        put_address(o, "pc", t->pc[i]);
        log_printf(o, "}");
    }
    log_printf(o, "]");
}

static void put_flow(struct log_text *o, const struct rc_life *l)
{
    log_printf(o, "\"kind\":\"%s\",\"id\":%llu,\"name\":",
               l->kind == RC_GOROUTINE ? "goroutine" : "thread", (unsigned long long)l->id);
    log_json(o, l->name);
    log_printf(o, ",\"main\":%s", yes(story_is_first(l)));
}

static void put_lock(struct log_text *o, const struct rc_held_lock *k)
{
    char name[256];
    struct text of;
    struct trail t;
    struct location l = story_lock_location(k);
    text_init(&of, name, sizeof name);
    log_printf(o, "{\"kind\":");
    log_json(o, k->kind);
    log_printf(o, ",");
    put_address(o, "address", (uintptr_t)k->lock);
    if (location_object(&l, &of)) {
        log_printf(o, ",\"name\":");
        log_json(o, name);
    }
    log_printf(o, ",\"write\":%s,\"taken_at\":", yes(k->for_write));
    trail_make(&t, k->taken_at);
    story_json_trail(o, &t);
    trail_free(&t);
    log_printf(o, "}");
}

static void put_access(struct log_text *o, const struct story_access *a)
{
    const struct rc_access_info *i = a->info;
    log_printf(o, "{\"kind\":\"%s\",\"atomic\":%s,",
               i->free    ? "free"
               : i->write ? "write"
                          : "read",
               yes(i->atomic));
    put_address(o, "address", i->addr);
    log_printf(o, ",\"size\":%u,\"by\":{", i->size);
    put_flow(o, i->by);
    log_printf(o, "},\"stack\":");
    story_json_trail(o, &a->trail);
    log_printf(o, ",\"locks\":%s", i->locks_known ? "[" : "null");
    for (unsigned k = 0; i->locks_known && k < i->n_locks && k < RC_LOCKS_SHOWN; k++) {
        log_printf(o, "%s", k ? "," : "");
        put_lock(o, &i->lock[k]);
    }
    log_printf(o, "%s}", i->locks_known ? "]" : "");
}

static void put_local(struct log_text *o, const struct location *l)
{
    const struct symbol_local *v = &l->local;
    log_printf(o, ",\"name\":");
    log_json(o, v->name);
    log_printf(o, ",\"function\":");
    log_json(o, v->function);
    if (v->part[0]) {
        log_printf(o, ",\"part\":");
        log_json(o, v->part);
    }
    if (v->file)
        put_file(o, v->file, v->line);
    log_printf(o, ",\"size\":%zu,\"offset\":%zu", v->size, (size_t)(l->addr - v->start));
}

static void put_location(struct log_text *o, const struct story *s)
{
    static const char *const kinds[] = {
        [LOCATION_UNKNOWN] = "unknown",
        [LOCATION_GLOBAL] = "global",
        [LOCATION_HEAP] = "heap",
        [LOCATION_STACK] = "stack",
    };
    const struct location *l = &s->location;
    log_printf(o, "{\"kind\":\"%s\"", l->kind == LOCATION_THING ? l->thing.kind : kinds[l->kind]);
    if (l->kind == LOCATION_GLOBAL) {
        log_printf(o, ",\"name\":");
        log_json(o, l->global.name);
        if (l->global.part[0]) {
            log_printf(o, ",\"part\":");
            log_json(o, l->global.part);
        }
        if (l->global.file)
            put_file(o, l->global.file, l->global.line);
        log_printf(o, ",\"size\":%zu,\"offset\":%zu,", l->global.size,
                   (size_t)(l->addr - l->global.start));
        put_address(o, "address", l->global.start);
    } else if (l->kind == LOCATION_HEAP) {
        log_printf(o, ",\"size\":%zu,\"offset\":%zu,\"freed\":%s,", l->block.size,
                   (size_t)(l->addr - l->block.start), yes(l->block.freed));
        put_address(o, "address", l->block.start);
        if (l->block.by) {
            log_printf(o, ",\"allocated_by\":{");
            put_flow(o, l->block.by);
            log_printf(o, "}");
        }
        log_printf(o, ",\"allocated_at\":");
        story_json_trail(o, &s->allocated_at);
        if (l->has_pointee) {
            log_printf(o, ",\"used_as\":");
            log_json(o, l->pointee.type);
            log_printf(o, ",\"part\":");
            log_json(o, l->pointee.part);
        }
    } else if (l->kind == LOCATION_STACK) {
        log_printf(o, ",\"of\":{");
        put_flow(o, l->stack);
        log_printf(o, "},\"depth\":%zu", l->depth);
        if (l->has_local)
            put_local(o, l);
    } else if (l->kind == LOCATION_THING) {
        log_printf(o, ",");
        put_address(o, "address", l->addr);
        log_printf(o, ",\"state\":");
        log_json(o, l->thing.state + strspn(l->thing.state, " "));
        log_printf(o, ",\"allocated_at\":");
        story_json_trail(o, &s->allocated_at);
    }
    log_printf(o, "}");
}

void story_json(const struct story *s, struct log_text *o)
{
    log_printf(
        o, "{\"type\":\"%s\",\"pid\":%d,\"number\":%u,\"fingerprint\":\"%016llx\",\"accesses\":[",
        story_type(s), (int)getpid(), s->number, (unsigned long long)s->fingerprint);
    put_access(o, &s->access[0]);
    log_printf(o, ",");
    put_access(o, &s->access[1]);
    log_printf(o, "],\"location\":");
    put_location(o, s);
    log_printf(o, ",\"lives\":[");
    for (size_t i = 0; i < s->n_lives; i++) {
        log_printf(o, "%s{", i ? "," : "");
        put_flow(o, s->life[i].life);
        log_printf(
            o, ",\"state\":\"%s\",\"created_at\":", s->life[i].finished ? "finished" : "running");
        story_json_trail(o, &s->life[i].created_at);
        log_printf(o, "}");
    }
    log_printf(o, "],\"not_ordered_because\":[");
    for (size_t i = 0; i < s->n_why; i++) {
        log_printf(o, "%s", i ? "," : "");
        log_json(o, s->why[i]);
    }
    log_printf(o, "]");
    if (s->reproduce) {
        log_printf(o, ",\"reproduce\":");
        log_json(o, s->reproduce);
    }
    log_printf(o, "}\n");
}
