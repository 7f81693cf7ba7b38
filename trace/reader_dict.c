/* reader_dict.c - the dictionary into memory: events, strings, stacks, modules.
 *
 * Read once, at open, before any event.  A definition that is damaged ends its chunk; the
 * numbers that are then unknown show as "?".  Numbers are bounded by the bytes of the
 * dictionary, so a damaged one cannot ask for much memory. */
#include "reader_impl.h"
#include <errno.h>
#include <stdlib.h>

struct payload {
    const uint8_t *p, *end;
    bool bad;
};

static uint64_t number(struct payload *in)
{
    uint64_t v = 0;
    const uint8_t *p = in->bad ? NULL : tr_get_leb(in->p, in->end, &v);
    if (!p)
        in->bad = true;
    else
        in->p = p;
    return in->bad ? 0 : v;
}

static const char *text(struct payload *in, size_t *ret_n)
{
    uint64_t n = number(in);
    if (in->bad || n > (size_t)(in->end - in->p)) {
        in->bad = true;
        *ret_n = 0;
        return "";
    }
    const char *t = (const char *)in->p;
    in->p += n;
    *ret_n = (size_t)n;
    return t;
}

static char *copy(const void *p, size_t n)
{
    char *s = malloc(n + 1);
    if (s) {
        memcpy(s, p, n);
        s[n] = 0;
    }
    return s;
}

/* Records gain arguments at their end only. */
static bool is_prefix(const char *a, size_t n, const char *ours)
{
    size_t both = strnlen(ours, sizeof(((struct event_def *)0)->args));
    return memcmp(a, ours, n < both ? n : both) == 0;
}

static void define_event(struct tr_reader *r, struct payload *in)
{
    size_t n;
    uint64_t num = number(in), context = number(in);
    const char *args = text(in, &n);
    if (in->bad || num == 0 || num > TR_HEAD_TYPE || n >= sizeof(r->events[0].args))
        return;
    struct event_def *d = &r->events[num];
    if (d->known == 1 && (context != d->context || !is_prefix(args, n, d->args)))
        return; /* not a shorter form of ours: damage */
    if (!d->known)
        d->known = 2; /* readable, but not understood */
    d->context = (uint8_t)context;
    memset(d->args, 0, sizeof(d->args));
    memcpy(d->args, args, n);
}

static bool define_string(struct tr_reader *r, struct payload *in, uint64_t id_max)
{
    uint64_t id = number(in);
    if (in->bad || id == 0 || id > id_max)
        return true;
    if (!tr_room((void **)&r->strings, &r->string_cap, id, sizeof(*r->strings)))
        return false;
    if (!r->strings[id])
        r->strings[id] = copy(in->p, (size_t)(in->end - in->p));
    return r->strings[id] != NULL;
}

static bool define_stack(struct tr_reader *r, struct payload *in, uint64_t id_max)
{
    uint64_t id = number(in), n = number(in), pc = 0;
    if (in->bad || id == 0 || id > id_max || n > (size_t)(in->end - in->p))
        return true;
    if (!tr_room((void **)&r->stacks, &r->stack_cap, id, sizeof(*r->stacks)))
        return false;
    if (r->stacks[id].pcs)
        return true;
    uint64_t *pcs = malloc((n ? n : 1) * sizeof(*pcs));
    if (!pcs)
        return false;
    for (uint64_t i = 0; i < n; i++)
        pcs[i] = pc += tr_unzigzag(number(in));
    r->stacks[id] = (struct stack_def){pcs, in->bad ? 0 : n};
    return true;
}

static bool define_module(struct tr_reader *r, struct payload *in)
{
    struct module_def m = {.bias = number(in), .start = number(in), .end = number(in)};
    size_t id_n, path_n;
    const char *id = text(in, &id_n), *path = text(in, &path_n);
    if (in->bad || id_n > sizeof(m.build_id))
        return true;
    memcpy(m.build_id, id, id_n);
    m.build_id_len = id_n;
    m.path = copy(path, path_n);
    if (!m.path ||
        !tr_room((void **)&r->modules, &r->module_cap, r->module_count, sizeof(*r->modules))) {
        free(m.path);
        return false;
    }
    r->modules[r->module_count++] = m;
    return true;
}

/* Returns false when memory is short. */
static bool define(struct tr_reader *r, unsigned type, struct payload in, uint64_t id_max)
{
    switch (type) {
    case TR_DEF_EVENT:
        define_event(r, &in);
        return true;
    case TR_DEF_STRING:
        return define_string(r, &in, id_max);
    case TR_DEF_STACK:
        return define_stack(r, &in, id_max);
    case TR_DEF_MODULE:
        return define_module(r, &in);
    case TR_DEF_PROCESS:
        if (!r->command)
            r->command = copy(in.p, (size_t)(in.end - in.p));
        return true;
    case TR_DEF_TAKEN:
        if (!r->taken)
            r->taken = copy(in.p, (size_t)(in.end - in.p));
        return true;
    default:
        return true; /* TR_DEF_REASON is for other readers; others may come */
    }
}

/* The definitions of the chunk that is loaded in r->dict. */
static int read_chunk(struct tr_reader *r, uint64_t id_max)
{
    const uint8_t *p = r->dict.dec.at, *end = r->dict.dec.end;
    while (p < end) {
        const uint8_t *record = p;
        unsigned type = *p++;
        uint64_t n;
        p = tr_get_leb(p, end, &n);
        if (!p || n > (size_t)(end - p)) {
            uint64_t at = r->dict.buf_offset + (uint64_t)(record - r->dict.buf);
            if (!r->dict.cut) /* a cut is known already */
                tr_problem(r, at, INT64_MAX, "damaged at offset %llu: a definition",
                           (unsigned long long)at);
            return 0;
        }
        if (!define(r, type, (struct payload){p, p + n, false}, id_max))
            return -ENOMEM;
        p += n;
    }
    return 0;
}

int tr_dict_read(struct tr_reader *r)
{
    memcpy(r->events, tr_event_defs, sizeof(r->events));
    uint64_t id_max = (uint64_t)r->dict.chunk_count * r->file.chunk_size / 3;
    int err = 0;
    for (size_t i = 0; i < r->dict.chunk_count && !err; i++)
        if (tr_chunk_load(r, &r->dict, i))
            err = read_chunk(r, id_max);
    free(r->dict.buf);
    r->dict.buf = NULL;
    r->dict.buf_cap = 0;
    if (r->file.flags & TR_FILE_SNAPSHOT)
        r->info.taken = r->taken ? r->taken : "";
    r->info.command = r->command ? r->command : "";
    return err;
}

void tr_dict_free(struct tr_reader *r)
{
    for (size_t i = 0; i < r->string_cap; i++)
        free(r->strings[i]);
    for (size_t i = 0; i < r->stack_cap; i++)
        free(r->stacks[i].pcs);
    for (size_t i = 0; i < r->module_count; i++)
        free(r->modules[i].path);
    free(r->strings);
    free(r->stacks);
    free(r->modules);
    free(r->command);
    free(r->taken);
}
