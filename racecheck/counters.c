/* counters.c - see counters.h.
 *
 * Counts are kept in a few shards, so that threads seldom meet.  Memory is what the kernel says is
 * there, for the shadow, and what was cut into blocks, for the pools; pools of one name are added
 * up. */
#include "counters.h"
#include "calls.h"
#include "cell.h"
#include "flags.h"
#include "log.h"
#include "memo.h"
#include "owner.h"
#include "pool.h"
#include "shadow.h"
#include "slot.h"
#include "vmem.h"
#include <string.h>
#include <unistd.h>

enum { SHARDS = 16, KINDS = 24 };

bool counters_on;

static struct shard {
    uint64_t accesses, covered; /* relaxed counters */
} __attribute__((aligned(64))) shards[SHARDS];

void counters_start(void)
{
    counters_on = true;
}

void counters_add(uint64_t words, uint64_t covered)
{
    struct shard *s = &shards[owner_mine->id % SHARDS];
    at_add_rlx(&s->accesses, words);  /* relaxed: a count */
    at_add_rlx(&s->covered, covered); /* relaxed: likewise */
}

void counters_read(struct counters *ret)
{
    *ret = (struct counters){0};
    for (int i = 0; i < SHARDS; i++) {
        ret->accesses += at_load_rlx(&shards[i].accesses); /* relaxed: a count */
        ret->covered += at_load_rlx(&shards[i].covered);   /* relaxed: likewise */
    }
}

/* ---- memory by kind ---- */

struct kind {
    const char *name;
    uint64_t blocks; /* in use; 0: not made of blocks */
    uint64_t bytes;
};

struct kinds {
    unsigned n;
    struct kind kind[KINDS];
};

static void add_kind(struct kinds *k, const char *name, uint64_t blocks, uint64_t bytes)
{
    unsigned i = 0;
    while (i < k->n && strcmp(k->kind[i].name, name) != 0)
        i++;
    if (i == KINDS)
        return;
    if (i == k->n)
        k->kind[k->n++] = (struct kind){.name = name};
    k->kind[i].blocks += blocks;
    k->kind[i].bytes += bytes;
}

static void add_pool(const struct pool *p, void *kinds)
{
    add_kind(kinds, p->name, pool_in_use(p), p->bytes);
}

static uint64_t resident(uintptr_t from, size_t size)
{
    return vm_resident((void *)from, size, NULL);
}

static void add_shadow(struct kinds *k)
{
    uintptr_t base;
    for (uint32_t i = 0; (base = shadow_nth(i)) != 0; i++) {
        uintptr_t marks = base + SHADOW_CELLS, objects = marks + SHADOW_MARKS;
        add_kind(k, "cells", 0, resident(base, SHADOW_CELLS));
        add_kind(k, "marks and owners", 0,
                 resident(marks, SHADOW_MARKS) + resident(objects + SHADOW_OBJECTS, SHADOW_OWNERS));
        add_kind(k, "object indices", 0, resident(objects, SHADOW_OBJECTS));
    }
}

/* ---- the page ---- */

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_text(struct log_text *t, const struct counters *c, const struct kinds *k)
{
    uint64_t all = 0;
    log_printf(t, "race detector: counters\n");
    log_printf(t, "  %-24s %14llu  (%.2f %% by the fast path)\n", "accesses checked",
               (unsigned long long)c->accesses, percent(c->covered, c->accesses));
    log_printf(t, "  %-24s %14zu\n", "records", cell_pasts());
    log_printf(t, "  %-24s %14llu\n", "contexts known", (unsigned long long)slot_lives());
    log_printf(t, "  %-24s %14u\n", "slots", slot_count());
    log_printf(t, "  %-24s %14u\n", "stacks", calls_count());
    log_printf(t, "  %-24s %14u\n", "pages shared", owner_revoked());
    for (unsigned i = 0; i < k->n; i++) {
        const struct kind *m = &k->kind[i];
        log_printf(t, "  memory: %-16s %14llu KiB", m->name, (unsigned long long)m->bytes >> 10);
        if (m->blocks)
            log_printf(t, "  (%llu in use)", (unsigned long long)m->blocks);
        log_printf(t, "\n");
        all += m->bytes;
    }
    log_printf(t, "  memory: %-16s %14llu KiB\n", "all", (unsigned long long)all >> 10);
}

static void print_json(struct log_text *t, const struct counters *c, const struct kinds *k)
{
    log_printf(t,
               "{\"type\":\"stats\",\"pid\":%d,\"accesses\":%llu,\"fast\":%llu,\"records\":%zu,"
               "\"contexts\":%llu,\"slots\":%u,\"stacks\":%u,\"pages_shared\":%u,\"memory\":{",
               (int)getpid(), (unsigned long long)c->accesses, (unsigned long long)c->covered,
               cell_pasts(), (unsigned long long)slot_lives(), slot_count(), calls_count(),
               owner_revoked());
    for (unsigned i = 0; i < k->n; i++) {
        log_printf(t, i ? "," : "");
        log_json(t, k->kind[i].name);
        log_printf(t, ":%llu", (unsigned long long)k->kind[i].bytes);
    }
    log_printf(t, "}}\n");
}

void counters_print(void)
{
    struct log_text out = {0};
    struct counters c;
    struct kinds k = {0};
    counters_read(&c);
    add_shadow(&k);
    add_kind(&k, "transitions", 0, memo_bytes());
    pool_each(add_pool, &k);
    (rc_flags()->format == RC_FORMAT_JSON ? print_json : print_text)(&out, &c, &k);
    log_send(&out);
}
