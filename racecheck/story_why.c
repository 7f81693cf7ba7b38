/* story_why.c - "Not ordered because": why two accesses have no order, in sentences.
 *
 * Three facts make an answer that helps: how the earlier access became known (the release that came
 * after it), what the later flow had learned by then (its last acquire), and which object would
 * have joined the two.  For the last one there are these, best first: an atomic object that the
 * later flow read with an order that acquires nothing; one that both use, but in the wrong order; a
 * lock that only one side held; the object of that release.
 *
 * Only what is known for certain becomes a sentence. */
#include "story.h"
#include "fds.h"
#include "print.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { INLINED_MAX = 16, NAME_MAX_ = 256, PLACE_MAX = 320, OWN_MAX = 8 };

/* ---- names ---- */

static struct {
    uintptr_t lo;
    size_t size;
    const char *name;
} own_objects[OWN_MAX]; /* zeros after the last */

void rc_name_objects(const void *obj, size_t size, const char *name)
{
    for (int i = 0; i < OWN_MAX; i++)
        if (!own_objects[i].size) {
            own_objects[i].lo = (uintptr_t)obj;
            own_objects[i].size = size;
            own_objects[i].name = name;
            return;
        }
}

/* An object of the detector's own, by what it stands for; "": for nothing with a name. */
static bool own_object_name(const void *obj, const struct location *l, char *buf, size_t size)
{
    struct text t;
    text_init(&t, buf, size);
    if (fds_object_name(obj, buf, size))
        return true;
    for (int i = 0; i < OWN_MAX; i++)
        if ((uintptr_t)obj - own_objects[i].lo < own_objects[i].size) {
            text_printf(&t, "%s", own_objects[i].name);
            return true;
        }
    return l->kind == LOCATION_GLOBAL && trail_is_ours(l->addr, l->global.file);
}

static struct location locate(const void *obj, rc_site site)
{
    struct location l = location_find((uintptr_t)obj);
    const rc_site sites[] = {site, l.block.site};
    uintptr_t pcs[2];
    size_t n = 0;
    for (int i = 0; i < 2 && l.kind == LOCATION_HEAP && !l.block.freed; i++)
        if (rc_site_has_pc(sites[i]) && rc_stack_of(sites[i], &pcs[n], 1, NULL) > 0)
            pcs[n++]--; /* inside the call, not behind it */
    location_find_type(&l, pcs, n, 0);
    return l;
}

struct location story_lock_location(const struct rc_held_lock *k)
{
    return locate(k->lock, k->taken_at);
}

void story_object_name(const void *obj, rc_site site, char *buf, size_t size)
{
    struct text t;
    struct location l = locate(obj, site);
    if (own_object_name(obj, &l, buf, size))
        return;
    text_init(&t, buf, size);
    text_printf(&t, "'");
    if (location_object(&l, &t)) {
        text_printf(&t, "'");
        if (l.kind == LOCATION_STACK)
            text_printf(&t, " of %s()", l.local.function);
        else if (l.kind == LOCATION_HEAP)
            text_printf(&t, " at 0x%012llx", (unsigned long long)l.addr);
        return;
    }
    text_init(&t, buf, size);
    if (l.kind == LOCATION_HEAP && !l.block.freed)
        text_printf(&t, "at offset %zu of a heap block of %zu bytes",
                    (size_t)(l.addr - l.block.start), l.block.size);
    else
        text_printf(&t, "0x%012llx", (unsigned long long)l.addr);
}

static uintptr_t word_at(uintptr_t addr)
{
    return trail_module(addr) ? *(const uintptr_t *)addr : 0;
}

/* The function that the call before the return address pc calls, or 0: what a direct call says,
 * also through the procedure linkage table, in code that is still loaded.  Frames would not tell:
 * functions that users call may end in a jump to another one. */
static uintptr_t called_at(uintptr_t pc)
{
#if defined(__x86_64__)
    const unsigned char *p = (const unsigned char *)pc;
    int32_t rel;
    if (!trail_module(pc))
        return 0;
    memcpy(&rel, p - 4, sizeof rel);
    if (p[-6] == 0xff && p[-5] == 0x15) /* call *slot(%rip) */
        return word_at(pc + (uintptr_t)(intptr_t)rel);
    if (p[-5] != 0xe8)
        return 0;
    const unsigned char *to = p + rel;
    if (!trail_module((uintptr_t)to))
        return 0;
    const unsigned char *jump = memcmp(to, "\xf3\x0f\x1e\xfa", 4) == 0 ? to + 4 : to; /* endbr64 */
    jump += *jump == 0xf2;                                                            /* bnd */
    if (jump[0] != 0xff || jump[1] != 0x25) /* jmp *slot(%rip) */
        return (uintptr_t)to;
    memcpy(&rel, jump + 2, sizeof rel);
    return word_at((uintptr_t)jump + 6 + (uintptr_t)(intptr_t)rel);
#elif defined(__aarch64__)
    uint32_t insn, stub[3];
    if (!trail_module(pc))
        return 0;
    memcpy(&insn, (const void *)(pc - 4), sizeof insn);
    if (insn >> 26 != 0x25) /* bl */
        return 0;
    uintptr_t to = pc - 4 + (uintptr_t)((int32_t)(insn << 6) >> 4);
    if (!trail_module(to))
        return 0;
    memcpy(stub, (const void *)to, sizeof stub);
    const uint32_t *load = stub + (stub[0] == 0xd503245f); /* bti c */
    if ((load[0] & 0x9f00001f) != 0x90000010 || (load[1] & 0xffc003ff) != 0xf9400211)
        return to; /* no adrp x16, PAGE; ldr x17, [x16, SLOT] */
    int64_t pages = ((int32_t)(load[0] << 8) >> 13) * 4 + (int32_t)(load[0] >> 29 & 3);
    uintptr_t page = (to & ~UINT64_C(4095)) + (uintptr_t)(pages * 4096);
    return word_at(page + (load[1] >> 10 & 4095) * sizeof(uintptr_t));
#else
    return 0;
#endif
}

/* Channels are used through macros, which call go_chan_send_from(), go_chan_recv_into() and
 * go_chan_send_word_(). */
static int written_length(const char *name)
{
    static const char *const tails[] = {"_from", "_into", "_word_"};
    size_t n = strlen(name);
    for (size_t i = 0; strncmp(name, "go_chan_", 8) == 0 && i < sizeof tails / sizeof *tails; i++) {
        size_t tail = strlen(tails[i]);
        if (n > tail && strcmp(name + n - tail, tails[i]) == 0)
            return (int)(n - tail);
    }
    return (int)n;
}

static const char *name_of(uintptr_t addr)
{
    struct symbol_frame f[INLINED_MAX];
    return f[symbol_frames(addr, f, INLINED_MAX) - 1].function;
}

/* The function at addr, when it is one of the library's that users know; else NULL. */
static const char *known_name(uintptr_t addr)
{
    static const char *const known[] = {"go_",       "pthread_", "mtx_", "cnd_", "thrd_", "sem_",
                                        "call_once", "write",    "read", "send", "recv",  "close"};
    const char *name = name_of(addr);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(name, known[i], strlen(known[i])) == 0)
            return name;
    return NULL;
}

static bool is_function_of_ours(uintptr_t addr)
{
    struct symbol_frame f[INLINED_MAX];
    return addr && trail_is_ours(addr, f[symbol_frames(addr, f, INLINED_MAX) - 1].file);
}

/* What the library calls for the user is known by what passes for a return address into it, see
 * rc_calls_back() and rc_ctx_runs(). */
enum called_by { BY_USER, BY_BEGIN, BY_DEFER, BY_OTHER };

static enum called_by called_by(const uintptr_t *pcs, size_t n, const struct rc_life *by)
{
    if (n == 1)
        return pcs[0] - 1 == by->runs ? BY_BEGIN : BY_USER;
    uintptr_t to = n > 1 ? called_at(pcs[1]) : 0;
    if (!is_function_of_ours(to) || !is_function_of_ours(pcs[0] - 1))
        return BY_USER;
    const char *name = known_name(to);
    return name && strcmp(name, "go_recover") == 0 ? BY_OTHER : BY_DEFER;
}

/* The library's function that was called there, when it is one that users know; else "".  Returns
 * by whom. */
static enum called_by operation_name(const struct rc_event *e, const struct rc_life *by, char *buf,
                                     size_t size)
{
    uintptr_t pcs[2];
    struct text t;
    text_init(&t, buf, size);
    size_t n = rc_site_has_pc(e->site) ? rc_stack_of(e->site, pcs, 2, NULL) : 0;
    if (n == 0)
        return BY_USER;
    enum called_by how = called_by(pcs, n, by);
    uintptr_t to = how == BY_USER ? called_at(pcs[0]) : pcs[0] - 1;
    const char *name = to && (how != BY_BEGIN || is_function_of_ours(to)) ? known_name(to) : NULL;
    if (name)
        text_printf(&t, "%.*s()", written_length(name), name);
    else if (how == BY_DEFER)
        text_printf(&t, "call");
    return how;
}

/* " at f.c:12 in worker()", or "". */
static void place_name(const struct rc_event *e, const struct rc_life *by, char *buf, size_t size)
{
    char name[PATH_MAX];
    uintptr_t pc;
    struct text t;
    struct trail trail;
    text_init(&t, buf, size);
    if (rc_stack_of(e->site, &pc, 1, NULL) == 1 && pc - 1 == by->runs)
        return; /* no call in the function with which it began is known */
    trail_make(&trail, e->site);
    if (trail.n > 0 && trail.frame[0].file && !trail_is_begin(&trail.frame[0]))
        text_printf(&t, "%s %s:%d in %s()", rc_site_has_pc(e->site) ? " at" : " in a call below",
                    trail_file(trail.frame[0].file, name), trail.frame[0].line,
                    trail.frame[0].function);
    trail_free(&trail);
}

/* Their objects are not the user's. */
static bool is_join_or_barrier(const char *operation)
{
    static const char *const begin[] = {"pthread_barrier_",  "pthread_join",      "pthread_tryjoin",
                                        "pthread_timedjoin", "pthread_clockjoin", "thrd_join"};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (strncmp(operation, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

/* What users see of channels, contexts and timers is no address inside them. */
static bool is_visible_object(const char *operation)
{
    if (is_join_or_barrier(operation))
        return false;
    return strncmp(operation, "go_", 3) != 0 || strncmp(operation, "go_mutex", 8) == 0 ||
           strncmp(operation, "go_rwmutex", 10) == 0 || strncmp(operation, "go_wait", 7) == 0 ||
           strncmp(operation, "go_once", 7) == 0 || strncmp(operation, "go_cond", 7) == 0 ||
           strncmp(operation, "go_sem", 6) == 0 || strncmp(operation, "go_race", 7) == 0;
}

/* "'mu' (go_mutex_unlock() at f.c:31 in worker())" */
static void describe(struct text *t, const struct rc_event *e, const struct rc_life *by)
{
    char operation[NAME_MAX_], place[PLACE_MAX], object[NAME_MAX_];
    enum called_by how = operation_name(e, by, operation, sizeof operation);
    const char *deferred = how == BY_DEFER ? "a deferred " : "";
    place_name(e, by, place, sizeof place);
    story_object_name(e->obj, e->site, object, sizeof object);
    if (e->kind == RC_EVENT_STORE || e->kind == RC_EVENT_LOAD || e->kind == RC_EVENT_PEEK)
        text_printf(t, "atomic %s%s", object, place);
    else if (e->kind == RC_EVENT_FENCE)
        text_printf(t, "what it stores after a fence%s", place);
    else if (!operation[0])
        text_printf(t, "%s%s", object[0] ? object : "something of a library", place);
    else if (object[0] && is_visible_object(operation))
        text_printf(t, "%s by %s%s%s", object, deferred, operation, place);
    else
        text_printf(t, "by %s%s%s", deferred, operation, place);
}

/* ---- sentences ---- */

static struct text sentence(struct story *s)
{
    struct text t;
    size_t i = s->n_why < STORY_WHY_MAX ? s->n_why++ : STORY_WHY_MAX - 1;
    text_init(&t, s->why[i], sizeof s->why[i]);
    return t;
}

static const char *verb(const struct rc_access_info *i)
{
    return i->free ? "free" : i->write ? "write" : "read";
}

/* The end of a thread, which a join would have acquired. */
static bool is_end(const struct rc_event *e, const struct rc_life *by)
{
    return e->kind == RC_EVENT_RELEASE && by->kind == RC_THREAD && !rc_site_has_pc(e->site);
}

static void say_release(struct story *s, const char *who, const struct rc_order_info *o)
{
    const struct rc_access_info *before = s->access[1].info;
    const struct rc_event *e = &o->since[o->shared.kind ? o->shared_with : 0];
    struct text t = sentence(s);
    if (!o->known) {
        text_printf(&t, "what %s has released since its %s is not remembered", who, verb(before));
    } else if (o->n_since == 0) {
        text_printf(&t, "%s has released nothing since its %s", who, verb(before));
    } else if (is_end(e, before->by)) {
        text_printf(&t, "after its %s, %s released nothing before its end", verb(before), who);
    } else if (e->kind == RC_EVENT_RELEASE && e->obj == rc_the_host()->main_returned) {
        text_printf(&t, "after its %s, %s returned from %s()", verb(before), who,
                    name_of(before->by->runs));
    } else if (e->kind == RC_EVENT_START) {
        char started[NAME_MAX_], place[PLACE_MAX];
        struct rc_life flow = {.kind = (uintptr_t)e->obj & 1 ? RC_THREAD : RC_GOROUTINE,
                               .id = (uintptr_t)e->obj >> 1};
        story_name(&flow, started, sizeof started);
        place_name(e, before->by, place, sizeof place);
        text_printf(&t, "after its %s, %s%s started %s%s", verb(before), who,
                    o->all_since ? "" : ", among other things,", started, place);
    } else {
        text_printf(&t, "after its %s, %s%s released ", verb(before), who,
                    o->all_since ? "" : ", among other things,");
        describe(&t, e, before->by);
    }
}

static void say_acquire(struct story *s, const char *who, const struct rc_order_info *o)
{
    const struct rc_access_info *now = s->access[0].info;
    struct text t = sentence(s);
    if (o->learned.kind == RC_EVENT_NONE) {
        text_printf(&t, "before its %s, %s had learned nothing from others since it began",
                    verb(now), who);
        return;
    }
    text_printf(&t, "before its %s, %s last acquired ", verb(now), who);
    describe(&t, &o->learned, now->by);
}

static bool holds(const struct rc_access_info *i, const void *lock)
{
    for (unsigned k = 0; k < i->n_locks && k < RC_LOCKS_SHOWN; k++)
        if (i->lock[k].lock == lock)
            return true;
    return i->n_locks > RC_LOCKS_SHOWN;
}

/* The lock's own memory was accessed, or freed: who ends a lock is not helped by holding it. */
static bool is_ended(const struct story *s, const void *lock)
{
    const struct rc_access_info *a = s->access[0].info, *b = s->access[1].info;
    const struct heap_block *block = &s->location.block;
    bool freed = s->location.kind == LOCATION_HEAP && (a->free || b->free);
    return a->addr == (uintptr_t)lock || (freed && (uintptr_t)lock - block->start < block->size);
}

/* The first lock that one side held and the other one did not; a once is none that one can take. */
static const struct rc_held_lock *held_by_one(const struct story *s, int *ret_side)
{
    for (int side = 0; side < 2; side++) {
        const struct rc_access_info *a = s->access[side].info, *b = s->access[!side].info;
        if (!a->locks_known || !b->locks_known)
            continue;
        for (unsigned k = 0; k < a->n_locks && k < RC_LOCKS_SHOWN; k++)
            if (!holds(b, a->lock[k].lock) && strcmp(a->lock[k].kind, "once") != 0 &&
                !is_ended(s, a->lock[k].lock)) {
                *ret_side = side;
                return &a->lock[k];
            }
    }
    return NULL;
}

/* Among the locks of i is one with that name. */
static bool holds_named(const struct rc_access_info *i, const char *name)
{
    char other[NAME_MAX_];
    for (unsigned k = 0; k < i->n_locks && k < RC_LOCKS_SHOWN; k++) {
        story_object_name(i->lock[k].lock, i->lock[k].taken_at, other, sizeof other);
        if (strcmp(other, name) == 0)
            return true;
    }
    return false;
}

/* The access was made by a call of that function of the library's. */
static bool is_made_by(const struct rc_access_info *a, const char *function)
{
    uintptr_t pc, to;
    bool known = rc_site_has_pc(a->stack) && rc_stack_of(a->stack, &pc, 1, NULL) > 0;
    const char *name = known && (to = called_at(pc)) ? known_name(to) : NULL;
    return name && strcmp(name, function) == 0;
}

/* A wait group's first add counts as a read, and the first wait as a write. */
static bool is_add_beside_wait(const struct story *s)
{
    const struct rc_access_info *a = s->access[0].info, *b = s->access[1].info;
    return is_made_by(a->write ? b : a, "go_waitgroup_add") &&
           is_made_by(a->write ? a : b, "go_waitgroup_wait");
}

static void say_remedy(struct story *s, const char *const who[2], const struct rc_order_info *o)
{
    char object[NAME_MAX_], place[PLACE_MAX], other[PLACE_MAX];
    const struct rc_held_lock *k;
    int side;
    const struct rc_event *e = &o->since[o->shared.kind ? o->shared_with : 0];
    if (o->shared.kind) {
        story_object_name(o->shared.obj, o->shared.site, object, sizeof object);
        place_name(&o->shared, s->access[0].info->by, place, sizeof place);
        place_name(e, s->access[1].info->by, other, sizeof other);
    }
    if (is_add_beside_wait(s)) {
        struct text t = sentence(s);
        text_printf(&t, "go_waitgroup_wait() may return before that go_waitgroup_add(): add before "
                        "the goroutine that is waited for is started");
    } else if (o->shared.kind && o->peeked) {
        struct text t = sentence(s);
        text_printf(&t,
                    "%s read atomic %s%s with an order that does not acquire: acquire would "
                    "have ordered them",
                    who[0], object, place);
    } else if ((k = held_by_one(s, &side))) {
        struct text t = sentence(s);
        story_object_name(k->lock, k->taken_at, object, sizeof object);
        if (holds_named(s->access[!side].info, object))
            text_printf(&t,
                        "each held a %s %s of its own: one that is the same for both would have "
                        "ordered them",
                        k->kind, object);
        else
            text_printf(&t, "%s %s would have ordered them, had %s held it at its %s too", k->kind,
                        object, who[!side], verb(s->access[!side].info));
    } else if (o->shared.kind) {
        struct text t = sentence(s);
        text_printf(&t, "both use %s, but %s acquired it%s before %s released it%s",
                    object[0] ? object : "the same object", who[0], place, who[1], other);
    } else if (o->known && o->n_since > 0 && is_end(e, s->access[1].info->by)) {
        struct text t = sentence(s);
        text_printf(&t, "joining %s before that %s would have ordered them", who[1],
                    verb(s->access[0].info));
    }
}

void story_why(struct story *s, const struct rc_order_info *o)
{
    char now[NAME_MAX_], before[NAME_MAX_];
    story_name(s->access[0].info->by, now, sizeof now);
    story_name(s->access[1].info->by, before, sizeof before);
    s->n_why = 0;
    say_release(s, before, o);
    say_acquire(s, now, o);
    say_remedy(s, (const char *const[]){now, before}, o);
}
