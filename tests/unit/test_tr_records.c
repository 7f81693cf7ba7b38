/* Records of every number, with random arguments, come back as they were put. */
#include <criterion/criterion.h>
#include "rand.h"
#include "records.h"

enum { ROUNDS = 20000, CHUNK = ROUNDS * TR_RECORD_MAX };

static uint8_t bytes[CHUNK];
static struct record said[ROUNDS];

static uint64_t any(struct rt_rand *r)
{
    return rand_next(r) >> rand_below(r, 64);
}

/* A record of some number of events.def whose numbers have the widths that the letters allow. */
static struct record random_record(struct rt_rand *r, uint64_t ticks)
{
    struct record rec = {.ticks = ticks + (any(r) & TR_TIME_MAX >> 16)};
    do
        rec.type = (enum tr_type)rand_below(r, TR_HEAD_TYPE + 1);
    while (!tr_event_defs[rec.type].known);
    const struct event_def *def = &tr_event_defs[rec.type];
    if (def->context != TR_CTX_NO)
        rec.ctx = def->context == TR_CTX_P ? rand_below(r, 4096) : any(r);
    for (size_t i = 0; def->args[i]; i++)
        rec.args[i] = rand_below(r, 3) ? rand_below(r, 9) : any(r) & INT64_MAX;
    return rec;
}

Test(records, what_is_put_comes_back)
{
    struct rt_rand r = {7};
    struct tr_chunk_header h = {.ticks = 1000, .cur_p = -1};
    struct decoder put, get;
    uint8_t *p = bytes;
    tr_coding_begin(&put, &h, NULL, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        said[i] = random_record(&r, put.ticks);
        uint8_t *end = tr_record_put(tr_event_defs, &put, p, &said[i]);
        cr_assert_leq((size_t)(end - p), (size_t)TR_RECORD_MAX);
        tr_record_follow(&put, &said[i]);
        p = end;
    }
    tr_coding_begin(&get, &h, bytes, p);
    for (int i = 0; i < ROUNDS; i++) {
        struct record rec;
        cr_assert(tr_record_get(tr_event_defs, &get, &rec), "record %d", i);
        tr_record_follow(&get, &rec);
        cr_assert_eq(rec.type, said[i].type, "record %d", i);
        cr_assert_eq(rec.ticks, said[i].ticks, "record %d", i);
        cr_assert_eq(rec.ctx, said[i].ctx, "record %d", i);
        cr_assert_eq(memcmp(rec.args, said[i].args, sizeof(rec.args)), 0, "record %d", i);
    }
    cr_assert_eq(get.at, p);
    struct record none;
    cr_assert_not(tr_record_get(tr_event_defs, &get, &none), "there is no more");
}

Test(records, a_record_cut_anywhere_is_none_and_the_decoder_stays)
{
    struct tr_chunk_header h = {.cur_p = -1};
    struct record rec = {.type = TR_EV_GO_STATE, .ticks = 70000, .args = {300, 3, 1 << 20, 200, 5}};
    struct decoder d;
    tr_coding_begin(&d, &h, NULL, NULL);
    uint8_t *end = tr_record_put(tr_event_defs, &d, bytes, &rec);
    for (const uint8_t *cut = bytes; cut < end; cut++) {
        struct record got;
        tr_coding_begin(&d, &h, bytes, cut);
        cr_assert_not(tr_record_get(tr_event_defs, &d, &got), "%d bytes", (int)(cut - bytes));
        cr_assert_eq(d.at, bytes);
    }
}
