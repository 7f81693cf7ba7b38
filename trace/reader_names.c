/* reader_names.c - what to call things: functions, goroutines, objects, states.
 *
 * Addresses of code are named from the modules that the trace lists, through symbol_file_frames():
 * the file must still be there with the same build-id.  Each address is looked up once; a trace of
 * millions of events has a few hundred.
 *
 * Objects are named by kind and a small number in order of appearance ("chan#3"), which people can
 * compare, where addresses are noise.  An address that is used again is the same object. */
#include "reader_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "symbol.h"

enum { FRAMES_MAX = 16, MAP_MIN = 64 };

/* ---- a map from 64-bit keys (never 0) to pointers ---- */

struct map {
    struct map_slot {
        uint64_t key;
        void *p;
    } * slots;
    size_t cap, count;
};

static struct map_slot *map_find(const struct map *m, uint64_t key)
{
    size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (m->cap - 1);
    while (m->slots[i].key && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

/* The key's slot, new (key 0) or old; NULL when memory is short. */
static struct map_slot *map_at(struct map *m, uint64_t key)
{
    if (m->count * 2 >= m->cap) {
        struct map bigger = {.cap = m->cap ? m->cap * 2 : MAP_MIN, .count = m->count};
        bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
        if (!bigger.slots)
            return NULL;
        for (size_t i = 0; i < m->cap; i++)
            if (m->slots[i].key)
                *map_find(&bigger, m->slots[i].key) = m->slots[i];
        free(m->slots);
        *m = bigger;
    }
    return map_find(m, key);
}

struct frames {
    size_t n;
    struct tr_frame f[];
};

struct names {
    struct map code; /* of pc * 2 + is_return: a struct frames each */
    struct tr_index object_index;
    uint64_t *objects; /* addresses, by number - 1 */
    size_t object_cap;
    const char *dir; /* of the runtime's sources */
    size_t dir_len, dir_searched;
};

struct names *tr_names_make(void)
{
    return calloc(1, sizeof(struct names));
}

void tr_names_free(struct names *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->code.cap; i++)
        free(n->code.slots[i].p);
    free(n->code.slots);
    free(n->object_index.slots);
    free(n->objects);
    free(n);
}

/* ---- code ---- */

static const struct frames *unknown_frames(void)
{
    static const struct {
        size_t n;
        struct tr_frame f[1];
    } unknown = {1, {{.function = "?"}}};
    return (const struct frames *)&unknown;
}

/* What the user wrote where the runtime's function was called: a macro. */
static const char *as_written(const char *function)
{
    static const struct {
        const char *function, *macro;
    } calls[] = {
        {"go_chan_send_from", "go_chan_send"},
        {"go_chan_send_word_", "go_chan_send"},
        {"go_chan_recv_into", "go_chan_recv"},
        {"go_chan_recv_word_", "go_chan_recv"},
        {"go_chan_try_send_from", "go_chan_try_send"},
        {"go_chan_try_send_word_", "go_chan_try_send"},
        {"go_chan_try_recv_into", "go_chan_try_recv"},
        {"go_select_n", "go_select"},
        {"go_select_recv_", "go_select"},
        {"go_select_send_", "go_select"},
        {"go_waitgroup_prepare_", "go_waitgroup_go"},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(function, calls[i].function) == 0)
            return calls[i].macro;
    return function;
}

static struct frames *look_up(const struct tr_reader *r, uint64_t pc, bool is_return)
{
    struct symbol_frame got[FRAMES_MAX] = {{.function = "?"}};
    size_t n = 1;
    for (size_t i = 0; i < r->module_count; i++) {
        const struct module_def *m = &r->modules[i];
        struct stat st; /* the path comes from the file: a pipe or a device is not opened */
        if (pc < m->start || pc >= m->end || stat(m->path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        n = symbol_file_frames(m->path, m->build_id, m->build_id_len, pc - m->bias - is_return, got,
                               FRAMES_MAX);
        break;
    }
    struct frames *f = malloc(sizeof(*f) + n * sizeof(f->f[0]));
    if (!f)
        return NULL;
    f->n = n;
    for (size_t i = 0; i < n; i++)
        f->f[i] = (struct tr_frame){as_written(got[i].function), got[i].file, got[i].line,
                                    got[i].inlined};
    return f;
}

size_t tr_reader_frames(struct tr_reader *r, uint64_t pc, bool is_return,
                        const struct tr_frame **ret)
{
    const struct frames *f = unknown_frames();
    struct map_slot *slot = pc ? map_at(&r->names->code, pc * 2 + is_return) : NULL;
    if (slot && !slot->key) {
        slot->p = look_up(r, pc, is_return);
        if (slot->p) {
            slot->key = pc * 2 + is_return;
            r->names->code.count++;
        }
    }
    if (slot && slot->p)
        f = slot->p;
    *ret = f->f;
    return f->n;
}

const char *tr_reader_function(struct tr_reader *r, uint64_t pc)
{
    const struct tr_frame *f;
    size_t n = tr_reader_frames(r, pc, false, &f);
    return f[n - 1].function;
}

const uint64_t *tr_reader_stack(const struct tr_reader *r, uint32_t id, size_t *ret_n)
{
    if (id == 0 || id >= r->stack_cap || !r->stacks[id].pcs) {
        *ret_n = 0;
        return NULL;
    }
    *ret_n = r->stacks[id].n;
    return r->stacks[id].pcs;
}

static bool has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_public_function(const char *name)
{
    return has_prefix(name, "go_") && strcmp(name, "go_main") != 0;
}

bool tr_is_runtime_function(const char *name)
{
    static const char *const prefixes[] = {"rt_",    "tr_",     "rc_",     "hook_",
                                           "sched_", "switch_", "unwind_", "_goshawk_"};
    if (is_public_function(name))
        return true;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (has_prefix(name, prefixes[i]))
            return true;
    return false;
}

/* The directory of the runtime's sources, as the debug information spells it.  Every stack
 * begins in the runtime, where it called the recorder; so the first stack that has a file
 * tells.  NULL: unknown. */
static const char *runtime_dir(struct tr_reader *r, size_t *ret_n)
{
    struct names *names = r->names;
    for (; !names->dir && names->dir_searched < r->stack_cap; names->dir_searched++) {
        const struct stack_def *st = &r->stacks[names->dir_searched];
        const struct tr_frame *f;
        if (st->n == 0)
            continue;
        size_t k = tr_reader_frames(r, st->pcs[0], true, &f);
        const char *file = f[k - 1].file, *end = file ? strrchr(file, '/') : NULL;
        if (end) {
            names->dir = file;
            names->dir_len = (size_t)(end - file) + 1;
        }
    }
    *ret_n = names->dir_len;
    return names->dir;
}

bool tr_reader_is_runtime(struct tr_reader *r, const struct tr_frame *f)
{
    size_t n;
    const char *dir = runtime_dir(r, &n);
    return tr_is_runtime_function(f->function) || (dir && f->file && strncmp(f->file, dir, n) == 0);
}

/* The innermost addresses that have no file, where others have one; else 0. */
static size_t nameless_depth(struct tr_reader *r, const uint64_t *pcs, size_t n)
{
    const struct tr_frame *f;
    for (size_t i = 0; i < n; i++) {
        size_t k = tr_reader_frames(r, pcs[i], true, &f);
        if (f[k - 1].file)
            return i;
    }
    return 0;
}

size_t tr_reader_runtime_depth(struct tr_reader *r, const uint64_t *pcs, size_t n)
{
    const struct tr_frame *f;
    size_t nameless = nameless_depth(r, pcs, n);
    for (size_t i = 0; i < n && nameless == 0; i++) {
        size_t k = tr_reader_frames(r, pcs[i], true, &f);
        if (is_public_function(f[k - 1].function))
            return i + 1;
    }
    return nameless;
}

bool tr_reader_user_frame(struct tr_reader *r, uint32_t stack, struct tr_frame *ret)
{
    size_t n;
    const uint64_t *pcs = tr_reader_stack(r, stack, &n);
    const struct tr_frame *f;
    for (size_t i = nameless_depth(r, pcs, n); i < n; i++) {
        size_t k = tr_reader_frames(r, pcs[i], true, &f);
        for (size_t j = 0; j < k; j++) {
            if (tr_reader_is_runtime(r, &f[j]))
                continue;
            *ret = f[j];
            return true;
        }
    }
    return false;
}

/* ---- goroutines and objects ---- */

const char *tr_reader_g_label(struct tr_reader *r, const struct tr_g *g)
{
    if (!g)
        return "?";
    return g->name ? g->name : tr_reader_function(r, g->fn);
}

static uint64_t hash_of_object(const void *names, uint32_t n)
{
    return tr_index_hash(((const struct names *)names)->objects[n]);
}

static bool is_object(const void *names, uint32_t n, const void *key)
{
    return ((const struct names *)names)->objects[n] == *(const uint64_t *)key;
}

static const struct tr_index_ops by_address = {hash_of_object, is_object};

uint32_t tr_reader_obj_number(struct tr_reader *r, uint64_t obj)
{
    struct names *names = r->names;
    if (!obj)
        return 0;
    uint64_t hash = tr_index_hash(obj);
    uint32_t n = tr_index_find(&names->object_index, &by_address, names, hash, &obj);
    if (n != TR_INDEX_NONE)
        return n + 1;
    n = names->object_index.count;
    if (!tr_room((void **)&names->objects, &names->object_cap, n, sizeof(*names->objects)))
        return 0;
    names->objects[n] = obj;
    return tr_index_add(&names->object_index, &by_address, names, n, hash) ? n + 1 : 0;
}

uint64_t tr_obj_address(const struct tr_reader *r, uint32_t number)
{
    return number && number <= r->names->object_index.count ? r->names->objects[number - 1] : 0;
}

void tr_reader_obj_name(struct tr_reader *r, enum tr_reason why, uint64_t obj, char *buf,
                        size_t cap)
{
    const char *kind = tr_reason_kind(why);
    char text[40], *end = text + sizeof(text), *p = end; /* without printf: exports ask often */
    if (obj) {
        uint32_t number = tr_reader_obj_number(r, obj);
        do
            *--p = (char)('0' + number % 10);
        while (number /= 10);
        *--p = '#';
        kind = *kind ? kind : "object";
        p -= strlen(kind); /* a word of ours */
        memcpy(p, kind, strlen(kind));
    }
    size_t n = (size_t)(end - p);
    if (cap == 0)
        return;
    n = n < cap ? n : cap - 1;
    memcpy(buf, p, n);
    buf[n] = 0;
}

/* ---- words ---- */

const char *tr_type_name(enum tr_type t)
{
    static const char *const names[] = {
#define TR_EVENT(name, number, text, context, args) [number] = text,
#include "events.def"
#undef TR_EVENT
    };
    return (unsigned)t < sizeof(names) / sizeof(names[0]) && names[t] ? names[t] : "?";
}

const char *tr_gstate_name(enum tr_gstate s)
{
    static const char *const names[] = {
        "unknown", "runnable", "running", "blocked", "running without a P", "ended"};
    return (unsigned)s < sizeof(names) / sizeof(names[0]) ? names[s] : "?";
}

enum tr_class tr_reason_class(enum tr_reason why)
{
    switch (why) {
    case TR_CHAN_SEND:
    case TR_CHAN_RECV:
    case TR_CHAN_NIL:
        return TR_CL_CHAN;
    case TR_SELECT:
    case TR_SELECT_EMPTY:
        return TR_CL_SELECT;
    case TR_MUTEX:
    case TR_RWMUTEX_READ:
    case TR_RWMUTEX_WRITE:
    case TR_ONCE:
        return TR_CL_MUTEX;
    case TR_NET:
        return TR_CL_NET;
    case TR_SYSCALL:
        return TR_CL_SYSCALL;
    case TR_SLEEP:
        return TR_CL_SLEEP;
    default:
        return TR_CL_OTHER;
    }
}

const char *tr_class_name(enum tr_class c)
{
    static const char *const names[] = {"running", "runnable", "chan",  "mutex", "select",
                                        "net",     "syscall",  "sleep", "other"};
    return (unsigned)c < TR_CLASSES ? names[c] : "?";
}
