/* dict.c - the dictionary: what the numbers in events stand for.
 *
 * Its chunks are stream 0 of the file.  A definition is committed before its number is given out,
 * so whatever survives of the events can be read with whatever survives of the dictionary, except
 * when a file is cut afterwards.  Events, reasons, process and modules are defined at the start;
 * stacks and strings when they first occur.  A stack that lies in no known module makes the
 * modules be listed again (dlopen).
 *
 * Why one dictionary and not definitions among the events: a reader can begin anywhere, a ring of
 * chunks can drop old events and keep the names, and the events need no number that grows.
 *
 * Lock: dict.lock, for everything here but tr_intern_find().  The loader's lock comes before
 * it: dl_iterate_phdr() is called without dict.lock, because a constructor run by dlopen() may
 * well come here with the loader's lock held. */
#include "record.h"
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    MODULES_MAX = 256,
    DEF_HEAD_MAX = 1 + 10, /* type and length */
    PATH_ROOM = 4096,
};

struct module {
    uintptr_t bias, start, end;
};

static struct {
    struct rt_lock lock;
    uint32_t gen; /* recording the dictionary belongs to */
    uint32_t seq; /* of the next chunk */
    struct tr_chunk_header *chunk;
    uint8_t *pos, *end;
    struct {
        struct tr_intern stacks, strings;
        uint32_t gen;
    } tables[2];    /* of a flight, this turn's and the last one's; else the first */
    uint32_t table; /* which of them is this turn's */
    bool held;      /* a snapshot reads the tables: none is emptied */
    bool flight;    /* stacks and strings are defined when a snapshot is taken */
    struct module modules[MODULES_MAX];
    size_t module_count;
} dict;

static void use_chunk(struct tr_chunk_header *c, size_t size)
{
    dict.chunk = c;
    dict.pos = (uint8_t *)(c + 1);
    dict.end = (uint8_t *)c + size;
}

/* Appends a record.  Returns false when the recording is over.  Requires: dict.lock. */
static bool define(unsigned type, const uint8_t *payload, size_t n)
{
    if ((size_t)(dict.end - dict.pos) < DEF_HEAD_MAX + n) {
        struct tr_chunk_header *c = tr_chunk_take_dict(dict.gen, dict.seq);
        if (!c)
            return false;
        tr_chunk_finish(dict.chunk);
        dict.seq++;
        use_chunk(c, TR_CHUNK_SIZE);
    }
    uint8_t *p = dict.pos;
    *p++ = (uint8_t)type;
    p = tr_put_leb(p, n);
    memcpy(p, payload, n);
    dict.pos = p + n;
    /* [commit] the definition counts from here on */
    at_store_rel(&dict.chunk->used, (uint32_t)(dict.pos - (uint8_t *)dict.chunk));
    return true;
}

static uint8_t *put_text(uint8_t *p, const char *text, size_t n)
{
    p = tr_put_leb(p, n);
    if (n) /* text may be NULL */
        memcpy(p, text, n);
    return p + n;
}

static bool define_events(void)
{
    static const struct {
        unsigned number, context;
        const char *text, *args;
    } events[] = {
#define TR_EVENT(name, number, text, context, args) {number, context, text, args},
#include "events.def"
#undef TR_EVENT
    };
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        uint8_t buf[128], *p = tr_put_leb(buf, events[i].number);
        p = tr_put_leb(p, events[i].context);
        p = put_text(p, events[i].args, strlen(events[i].args));
        p = put_text(p, events[i].text, strlen(events[i].text));
        if (!define(TR_DEF_EVENT, buf, (size_t)(p - buf)))
            return false;
    }
    return true;
}

static bool define_reasons(void)
{
    for (unsigned i = 0; i < TR_REASONS; i++) {
        const char *kind = tr_reason_kind(i), *name = tr_reason_name(i);
        uint8_t buf[128], *p = tr_put_leb(buf, i);
        p = put_text(p, kind, strlen(kind));
        p = put_text(p, name, strlen(name));
        if (!define(TR_DEF_REASON, buf, (size_t)(p - buf)))
            return false;
    }
    return true;
}

static bool define_process(void)
{
    char buf[TR_STRING_MAX];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i < n; i++)
        if (buf[i] == 0)
            buf[i] = ' ';
    while (n > 0 && buf[n - 1] == ' ')
        n--;
    return n <= 0 || define(TR_DEF_PROCESS, (uint8_t *)buf, (size_t)n);
}

/* The build-id note within the loaded segments, or n = 0. */
static const unsigned char *build_id(const struct dl_phdr_info *info, size_t *ret_n)
{
    *ret_n = 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_NOTE)
            continue;
        const char *p = (const char *)info->dlpi_addr + ph->p_vaddr, *end = p + ph->p_memsz;
        while ((size_t)(end - p) >= sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *nh = (const ElfW(Nhdr) *)p;
            const char *desc = p + sizeof(*nh) + ((nh->n_namesz + 3u) & ~3u);
            if (nh->n_type == NT_GNU_BUILD_ID && nh->n_namesz == 4 &&
                memcmp(p + sizeof(*nh), "GNU", 4) == 0 && nh->n_descsz <= 64) {
                *ret_n = nh->n_descsz;
                return (const unsigned char *)desc;
            }
            p = desc + ((nh->n_descsz + 3u) & ~3u);
        }
    }
    return NULL;
}

static int define_module(const struct dl_phdr_info *info)
{
    struct module m = {info->dlpi_addr, UINTPTR_MAX, 0};
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD)
            continue;
        uintptr_t at = info->dlpi_addr + ph->p_vaddr;
        m.start = at < m.start ? at : m.start;
        m.end = at + ph->p_memsz > m.end ? at + ph->p_memsz : m.end;
    }
    for (size_t i = 0; i < dict.module_count; i++)
        if (dict.modules[i].bias == m.bias && dict.modules[i].start == m.start)
            return 0;
    if (m.end == 0 || dict.module_count == MODULES_MAX)
        return 0;

    static char path[PATH_ROOM]; /* under dict.lock; goroutine stacks are small */
    static uint8_t buf[PATH_ROOM + 128];
    size_t n = strnlen(info->dlpi_name ? info->dlpi_name : "", sizeof(path));
    memcpy(path, info->dlpi_name, n);
    if (n == 0) { /* the program itself comes first and has no name */
        ssize_t got = readlink("/proc/self/exe", path, sizeof(path));
        n = dict.module_count == 0 && got > 0 ? (size_t)got : 0;
    }
    size_t id_len;
    const unsigned char *id = build_id(info, &id_len);
    uint8_t *p = tr_put_leb(buf, m.bias);
    p = tr_put_leb(p, m.start);
    p = tr_put_leb(p, m.end);
    p = put_text(p, (const char *)id, id_len);
    p = put_text(p, path, n);
    if (!define(TR_DEF_MODULE, buf, (size_t)(p - buf)))
        return 1;
    dict.modules[dict.module_count++] = m;
    return 0;
}

static int each_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    rt_lock(&dict.lock);
    int stop = define_module(info);
    rt_unlock(&dict.lock);
    return stop;
}

static bool in_known_module(uintptr_t pc)
{
    for (size_t i = 0; i < dict.module_count; i++)
        if (pc >= dict.modules[i].start && pc < dict.modules[i].end)
            return true;
    return false;
}

/* Defines the modules that were loaded since, if one of the pcs lies in none. */
static void learn_modules(const uintptr_t *pcs, size_t n)
{
    rt_lock(&dict.lock);
    bool all_known = true;
    for (size_t i = 0; i < n && all_known; i++)
        all_known = in_known_module(pcs[i]);
    rt_unlock(&dict.lock);
    if (!all_known)
        dl_iterate_phdr(each_module, NULL);
}

/* Empty tables for gen.  Requires: dict.lock. */
static bool use_tables(uint32_t gen, uint32_t table)
{
    dict.gen = dict.tables[table].gen = gen;
    return tr_intern_reset(&dict.tables[table].stacks) &&
           tr_intern_reset(&dict.tables[table].strings);
}

/* The tables of a flight are full: goes on with the other ones.  Requires: dict.lock. */
static void turn(void)
{
    uint32_t other = !dict.table;
    if (!dict.flight || dict.held || !use_tables(0, other))
        return;
    /* relaxed: who finds a number in the new tables before it sees the new gen, or the other way
     * round, does not use it [looked-up] */
    at_store_rlx(&dict.table, other);
    uint32_t gen = tr_flight_turn();
    if (gen)
        dict.gen = dict.tables[other].gen = gen;
    else
        at_store_rlx(&dict.table, !other); /* relaxed: likewise */
    dict.gen = gen ? gen : dict.tables[dict.table].gen;
}

void tr_dict_hold(uint32_t ret_gens[2])
{
    rt_lock(&dict.lock);
    dict.held = true;
    for (int i = 0; i < 2; i++)
        ret_gens[i] = dict.tables[i].gen;
    rt_unlock(&dict.lock);
}

void tr_dict_let_go(void)
{
    rt_lock(&dict.lock);
    dict.held = false;
    rt_unlock(&dict.lock);
}

struct tr_intern tr_dict_table(unsigned table, bool stacks)
{
    rt_lock(&dict.lock);
    struct tr_intern t = stacks ? dict.tables[table].stacks : dict.tables[table].strings;
    rt_unlock(&dict.lock);
    return t;
}

bool tr_dict_begin(uint32_t gen, struct tr_chunk_header *first, size_t size)
{
    rt_lock(&dict.lock);
    if (dict.chunk)
        tr_chunk_finish(dict.chunk);
    dict.seq = 1;
    dict.flight = tr_rec.flight;
    use_chunk(first, size);
    dict.module_count = 0;
    dict.tables[!dict.table].gen = 0;
    bool ok =
        use_tables(gen, dict.table) && define_events() && define_reasons() && define_process();
    rt_unlock(&dict.lock);
    if (ok)
        dl_iterate_phdr(each_module, NULL);
    return ok;
}

uint8_t *tr_put_stack(uint8_t *p, uint32_t id, const uintptr_t *pcs, size_t n)
{
    p = tr_put_leb(tr_put_leb(p, id), n);
    uintptr_t last = 0;
    for (size_t i = 0; i < n; i++) {
        p = tr_put_leb(p, tr_zigzag(pcs[i] - last));
        last = pcs[i];
    }
    return p;
}

uint8_t *tr_put_string(uint8_t *p, uint32_t id, const void *text, size_t n)
{
    p = tr_put_leb(p, id);
    memcpy(p, text, n);
    return p + n;
}

static bool define_stack(uint32_t id, const uintptr_t *pcs, size_t n)
{
    uint8_t buf[DEF_STACK_MAX];
    return define(TR_DEF_STACK, buf, (size_t)(tr_put_stack(buf, id, pcs, n) - buf));
}

static bool define_string(uint32_t id, const void *text, size_t n)
{
    uint8_t buf[10 + TR_STRING_MAX];
    return define(TR_DEF_STRING, buf, (size_t)(tr_put_string(buf, id, text, n) - buf));
}

/* This turn's table. */
static struct tr_intern *now(bool stacks)
{
    uint32_t i = at_load_rlx(&dict.table); /* relaxed: see turn() */
    return stacks ? &dict.tables[i].stacks : &dict.tables[i].strings;
}

/* Gives the bytes a number: in the file first, then in the table. */
static uint32_t learn(bool stack, const void *p, size_t n)
{
    rt_lock(&dict.lock);
    struct tr_intern *t = now(stack);
    uint32_t id = 0;
    /* relaxed: recordings change under rec.lock; a stale number finds no chunk and gives up */
    if (at_load_rlx(&tr_on) == dict.gen && !(id = tr_intern_find(t, p, n))) {
        struct tr_intern_entry *e = tr_intern_prepare(t, p, n, &id);
        bool ok = e && (dict.flight ? true
                        : stack     ? define_stack(id, p, n / sizeof(uintptr_t))
                                    : define_string(id, p, n));
        if (ok)
            tr_intern_publish(t, e);
        else
            id = 0;
        if (!e)
            turn();
    }
    rt_unlock(&dict.lock);
    return id;
}

uint32_t tr_dict_stack(const uintptr_t *pcs, size_t n)
{
    uint32_t id = tr_intern_find(now(true), pcs, n * sizeof(*pcs));
    if (likely(id))
        return id;
    learn_modules(pcs, n);
    return learn(true, pcs, n * sizeof(*pcs));
}

uint32_t tr_dict_string(const char *text)
{
    size_t n = strnlen(text, TR_STRING_MAX);
    uint32_t id = tr_intern_find(now(false), text, n);
    return likely(id) ? id : learn(false, text, n);
}

void tr_dict_fork(void)
{
    dict.lock.word = 0;
    dict.held = false;
    dict.chunk = NULL; /* the mapping is the parent's file: left alone */
}
