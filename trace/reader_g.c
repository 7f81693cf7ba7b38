/* reader_g.c - the live goroutines, in some 54 bytes each.
 *
 * A trace may have millions of them alive, so a node is packed: ids and times have the bits that
 * they can need (a decoder refuses greater ones), what belongs to one state shares a place with
 * what belongs to another, and what goroutines mostly have in common (entry function, place of
 * creation, name) is kept once for all, as a birth.  tr_reader_g() unpacks.
 *
 * Nodes lie in slabs, so they stay where they are; those that ended are used again. */
#include "reader_impl.h"
#include <errno.h>
#include <stdlib.h>

enum { SLAB_SHIFT = 8, SLAB = 1 << SLAB_SHIFT };

static struct gnode *node(const struct g_table *t, uint32_t n)
{
    return &t->slabs[n >> SLAB_SHIFT][n & (SLAB - 1)];
}

/* ---- found by id ---- */

static uint64_t hash_of_node(const void *table, uint32_t n)
{
    return tr_index_hash(node(table, n)->id);
}

static bool node_has_id(const void *table, uint32_t n, const void *id)
{
    return node(table, n)->id == *(const uint64_t *)id;
}

static const struct tr_index_ops by_id = {hash_of_node, node_has_id};

struct gnode *tr_g_find(const struct tr_reader *r, uint64_t id)
{
    uint32_t n = tr_index_find(&r->gs.index, &by_id, &r->gs, tr_index_hash(id), &id);
    return n == TR_INDEX_NONE ? NULL : node(&r->gs, n);
}

/* A node that is free: its number, or TR_INDEX_NONE when memory is short. */
static uint32_t free_node(struct g_table *t)
{
    if (t->free) {
        uint32_t n = t->free - 1;
        t->free = node(t, n)->birth;
        return n;
    }
    if (t->used >> SLAB_SHIFT == t->slab_count) {
        struct gnode *slab = calloc(SLAB, sizeof(*slab));
        if (!slab || !tr_room((void **)&t->slabs, &t->slab_cap, t->slab_count, sizeof(*t->slabs))) {
            free(slab);
            return TR_INDEX_NONE;
        }
        t->slabs[t->slab_count++] = slab;
    }
    return t->used++;
}

static void give_back(struct g_table *t, uint32_t n)
{
    node(t, n)->birth = t->free;
    t->free = n + 1;
}

struct gnode *tr_g_add(struct tr_reader *r, uint64_t id)
{
    struct g_table *t = &r->gs;
    uint32_t n = free_node(t);
    if (n == TR_INDEX_NONE)
        return NULL;
    struct gnode *g = node(t, n);
    *g = (struct gnode){.id = id & G_ID_MAX, .since = (uint64_t)r->time};
    if (!tr_index_add(&t->index, &by_id, t, n, tr_index_hash(id))) {
        give_back(t, n);
        return NULL;
    }
    return g;
}

void tr_g_remove(struct tr_reader *r, uint64_t id)
{
    struct g_table *t = &r->gs;
    uint32_t n = tr_index_find(&t->index, &by_id, t, tr_index_hash(id), &id);
    if (n == TR_INDEX_NONE)
        return;
    tr_index_remove(&t->index, &by_id, t, n);
    give_back(t, n);
}

struct gnode *tr_g_each(const struct tr_reader *r, uint32_t *i)
{
    const struct tr_index *t = &r->gs.index;
    while (*i < t->cap)
        if (t->slots[(*i)++])
            return node(&r->gs, tr_index_number(t->slots[*i - 1]));
    return NULL;
}

/* ---- births: number 0 is that of whom nothing is known ---- */

static uint64_t hash_of_birth(const struct birth *b)
{
    return tr_index_hash(tr_index_hash(b->fn ^ (uint64_t)b->stack << 48) ^ (uintptr_t)b->name);
}

static uint64_t hash_of_birth_n(const void *table, uint32_t n)
{
    return hash_of_birth(&((const struct g_table *)table)->births[n]);
}

static bool is_birth(const void *table, uint32_t n, const void *key)
{
    const struct birth *a = &((const struct g_table *)table)->births[n], *b = key;
    return a->fn == b->fn && a->stack == b->stack && a->name == b->name;
}

static const struct tr_index_ops by_birth = {hash_of_birth_n, is_birth};

static uint32_t birth(struct g_table *t, const struct birth *b)
{
    uint64_t hash = hash_of_birth(b);
    uint32_t n = tr_index_find(&t->birth_index, &by_birth, t, hash, b);
    if (n != TR_INDEX_NONE)
        return n;
    n = t->birth_count;
    if (n >= TR_INDEX_MAX || !tr_room((void **)&t->births, &t->birth_cap, n, sizeof(*t->births)))
        return 0;
    t->births[n] = *b;
    if (!tr_index_add(&t->birth_index, &by_birth, t, n, hash))
        return 0;
    return t->birth_count++;
}

void tr_g_born(struct tr_reader *r, struct gnode *g, uint64_t fn, uint32_t stack)
{
    struct birth b = {fn, r->gs.births[g->birth].name, stack};
    g->birth = birth(&r->gs, &b);
}

void tr_g_named(struct tr_reader *r, struct gnode *g, const char *name)
{
    struct birth b = r->gs.births[g->birth];
    b.name = name;
    g->birth = birth(&r->gs, &b);
}

uint32_t tr_g_create_stack(const struct tr_reader *r, const struct gnode *g)
{
    return r->gs.births[g->birth].stack;
}

/* ---- for the user ---- */

void tr_g_unpack(const struct tr_reader *r, const struct gnode *n, struct tr_g *ret)
{
    const struct birth *b = &r->gs.births[n->birth];
    bool blocked = n->state == TR_G_BLOCKED,
         on_m = n->state == TR_G_RUNNING || n->state == TR_G_DETACHED;
    *ret = (struct tr_g){
        .id = n->id,
        .by = n->by,
        .created = (int64_t)n->created_1 - 1,
        .since = (int64_t)n->since,
        .fn = b->fn,
        .obj = blocked ? tr_obj_address(r, (uint32_t)n->whom) : 0,
        .name = b->name,
        .create_stack = b->stack,
        .block_stack = blocked ? n->stack : 0,
        .m = on_m ? (uint32_t)n->whom : 0,
        .p = (int32_t)n->p_1 - 1,
        .state = n->state,
        .why = blocked ? n->why : TR_NONE,
    };
}

const struct tr_g *tr_reader_g(const struct tr_reader *r, uint64_t id)
{
    const struct gnode *n = id ? tr_g_find(r, id) : NULL;
    if (!n)
        return NULL;
    struct tr_g *g = &r->asked->g[r->asked->next++ % ASKED_MAX];
    tr_g_unpack(r, n, g);
    return g;
}

/* ---- begin, again, end ---- */

int tr_g_init(struct tr_reader *r)
{
    static const struct birth unknown;
    r->asked = calloc(1, sizeof(*r->asked));
    (void)birth(&r->gs, &unknown);
    return r->asked && r->gs.birth_count == 1 ? 0 : -ENOMEM;
}

void tr_g_reset(struct tr_reader *r)
{
    struct g_table *t = &r->gs;
    if (t->index.cap)
        memset(t->index.slots, 0, t->index.cap * sizeof(*t->index.slots));
    t->index.count = t->used = t->free = 0;
}

void tr_g_free(struct tr_reader *r)
{
    struct g_table *t = &r->gs;
    for (size_t i = 0; i < t->slab_count; i++)
        free(t->slabs[i]);
    free(t->slabs);
    free(t->index.slots);
    free(t->births);
    free(t->birth_index.slots);
    free(r->asked);
}
