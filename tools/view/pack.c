/* pack.c - see pack.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../cmd.h"
#include "pack.h"

/* ---- bytes ---- */

static unsigned char *bytes_room(struct bytes *b, size_t n)
{
    if (b->cap - b->len < n) {
        b->cap = (b->cap + n) * 2 + 64;
        b->p = realloc(b->p, b->cap);
        if (!b->p) {
            fputs("goshawk trace view: out of memory\n", stderr);
            exit(CMD_FAILED);
        }
    }
    return b->p + b->len;
}

void bytes_byte(struct bytes *b, unsigned v)
{
    *bytes_room(b, 1) = (unsigned char)v;
    b->len++;
}

void bytes_uint(struct bytes *b, uint64_t v)
{
    unsigned char *p = bytes_room(b, 10);
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (unsigned char)(v | 0x80);
    p[n++] = (unsigned char)v;
    b->len += n;
}

void bytes_int(struct bytes *b, int64_t v)
{
    bytes_uint(b, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (n > 0)
        memcpy(bytes_room(b, n), p, n);
    b->len += n;
}

void bytes_printf(struct bytes *b, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    bytes_add(b, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void bytes_json(struct bytes *b, const char *s)
{
    bytes_byte(b, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            bytes_printf(b, "\\u%04x", c);
        else
            bytes_byte(b, c);
    }
    bytes_byte(b, '"');
}

void bytes_fini(struct bytes *b)
{
    free(b->p);
    memset(b, 0, sizeof(*b));
}

/* ---- spans ---- */

static int64_t *lane_end(struct lane_ends *e, uint32_t lane)
{
    if (lane >= e->n) {
        size_t n = lane * 2ul + 64;
        int64_t *at = cmd_alloc(n * sizeof(*at));
        memset(at, 0, n * sizeof(*at));
        if (e->n)
            memcpy(at, e->at, e->n * sizeof(*at));
        free(e->at);
        e->at = at;
        e->n = n;
    }
    return &e->at[lane];
}

static void pack_g(struct bytes *c, const struct tr_span *s, int64_t by, uint32_t obj)
{
    if (s->state == TR_G_RUNNING)
        bytes_uint(&c[PC_P], (uint64_t)(s->p + 1));
    if (s->state == TR_G_RUNNING || s->state == TR_G_DETACHED)
        bytes_uint(&c[PC_M], s->m);
    if (s->state == TR_G_BLOCKED) {
        bytes_uint(&c[PC_WHY], s->why);
        bytes_uint(&c[PC_OBJ], obj);
    }
    if (s->state == TR_G_BLOCKED || s->state == TR_G_RUNNABLE) {
        bytes_uint(&c[PC_STACK], s->stack);
        bytes_uint(&c[PC_BY], (uint64_t)(by + 1));
        bytes_uint(&c[PC_BY_P], (uint64_t)(s->by_p + 1));
    }
}

void pack_span(struct pack *p, const struct fold_item *item)
{
    const struct tr_span *s = &item->s;
    struct bytes *c = p->column;
    int64_t *before = lane_end(&p->ends[s->lane], item->lane);
    bool gap = s->begin != *before, folded = item->count > 0;
    bool runnable = s->lane == TR_LANE_G && s->state == TR_G_RUNNABLE;
    unsigned state = folded && runnable ? PACK_FOLDED : s->state;
    bytes_byte(&c[PC_HEAD], (unsigned)s->lane | state << 2 | (unsigned)s->open << 5 |
                                (unsigned)gap << 6 | (unsigned)(folded || s->created) << 7);
    bytes_uint(&c[PC_LANE], item->lane);
    bytes_int(&c[PC_END], s->end - p->end);
    if (folded)
        bytes_uint(&c[PC_FOLD], (uint64_t)item->count << 1 | item->first);
    if (gap)
        bytes_int(&c[PC_GAP], s->begin - *before);
    *before = p->end = s->end;
    switch (s->lane) {
    case TR_LANE_G:
        pack_g(c, s, item->by, item->obj);
        break;
    case TR_LANE_P:
        if (s->state != TR_P_IDLE)
            bytes_uint(&c[PC_M], s->m);
        if (s->state == TR_P_RUNNING)
            bytes_uint(&c[PC_G], (uint64_t)(item->g + 1));
        break;
    case TR_LANE_M:
        bytes_uint(&c[PC_P], (uint64_t)(s->p + 1));
        if (s->state == TR_M_RUNNING || s->state == TR_M_DETACHED)
            bytes_uint(&c[PC_G], (uint64_t)(item->g + 1));
        break;
    }
    if (++p->n == PACK_BLOCK)
        pack_flush(p);
}

void pack_flush(struct pack *p)
{
    struct bytes out = {0};
    if (p->n == 0)
        return;
    bytes_uint(&out, p->n);
    for (int i = 0; i < PC_COLUMNS; i++) {
        bytes_uint(&out, p->column[i].len);
        bytes_add(&out, p->column[i].p, p->column[i].len);
        p->column[i].len = 0;
    }
    p->n = 0;
    pack_section(p->file, 'S', &out);
    bytes_fini(&out);
}

void pack_fini(struct pack *p)
{
    for (int i = 0; i < PC_COLUMNS; i++)
        bytes_fini(&p->column[i]);
    for (int i = 0; i < 3; i++)
        free(p->ends[i].at);
}

void pack_section(struct page_file *f, char letter, const struct bytes *b)
{
    uint32_t n = (uint32_t)b->len;
    unsigned char head[5] = {(unsigned char)letter, (unsigned char)n, (unsigned char)(n >> 8),
                             (unsigned char)(n >> 16), (unsigned char)(n >> 24)};
    page_file_data(f, head, sizeof(head));
    page_file_data(f, b->p, b->len);
}

/* ---- strings ---- */

static uint32_t hash_of(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

static uint32_t *string_slot(const struct strings *s, const char *text)
{
    uint32_t at = hash_of(text);
    while (s->slots[at & s->mask] && strcmp(s->list[s->slots[at & s->mask] - 1], text) != 0)
        at++;
    return &s->slots[at & s->mask];
}

static void strings_grow(struct strings *s)
{
    uint32_t cap = s->cap ? s->cap * 2 : 64;
    char **list = cmd_alloc(cap * sizeof(*list));
    if (s->n)
        memcpy(list, s->list, s->n * sizeof(*list));
    free(s->list);
    free(s->slots);
    s->list = list;
    s->cap = cap;
    s->mask = cap * 2 - 1;
    s->slots = cmd_alloc((s->mask + 1ul) * sizeof(*s->slots));
    memset(s->slots, 0, (s->mask + 1ul) * sizeof(*s->slots));
    for (uint32_t i = 0; i < s->n; i++)
        *string_slot(s, s->list[i]) = i + 1;
}

uint32_t strings_add(struct strings *s, const char *text)
{
    if (s->n == 0 && text && *text)
        strings_add(s, "");
    if (!text)
        text = "";
    if (s->n == s->cap)
        strings_grow(s);
    uint32_t *slot = string_slot(s, text);
    if (!*slot) {
        s->list[s->n] = cmd_strdup(text);
        *slot = ++s->n;
    }
    return *slot - 1;
}

void strings_pack(const struct strings *s, struct bytes *b)
{
    bytes_uint(b, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        size_t len = strlen(s->list[i]);
        bytes_uint(b, len);
        bytes_add(b, s->list[i], len);
    }
}

void strings_fini(struct strings *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        free(s->list[i]);
    free(s->list);
    free(s->slots);
}
