/* The decoder: numbers at their limits, keys, unknown records, and random bytes. */
#include "tr_file.h"
#include "rand.h"
#include "reader_impl.h"

Test(reader_decode, leb128_goes_there_and_back)
{
    uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint8_t buf[16], *end = tr_put_leb(buf, values[i]);
        uint64_t got = 42;
        cr_assert_eq(tr_get_leb(buf, end, &got), end);
        cr_assert_eq(got, values[i]);
        for (const uint8_t *cut = buf; cut < end; cut++)
            cr_assert_null(tr_get_leb(buf, cut, &got), "of a cut number");
        cr_assert_eq(tr_unzigzag(tr_zigzag(values[i])), values[i]);
    }
    uint8_t endless[12];
    uint64_t got;
    memset(endless, 0xff, sizeof(endless));
    cr_assert_null(tr_get_leb(endless, endless + sizeof(endless), &got));
}

static void set_up(struct tr_reader *r, struct decoder *d, const void *p, size_t n)
{
    static const struct event_def known[] = {
#define TR_EVENT(name, number, text, ctx, arguments) \
    [number] = {.known = 1, .context = ctx, .args = arguments},
#include "events.def"
#undef TR_EVENT
    };
    memset(r, 0, sizeof(*r));
    memcpy(r->events, known, sizeof(known));
    *d = (struct decoder){.at = p, .end = (const uint8_t *)p + n, .cur_p = -1};
    memset(d->keys, 0xff, sizeof(d->keys));
}

static struct tr_reader r;
static struct decoder d;

Test(reader_decode, a_key_used_before_it_is_defined_is_damage)
{
    struct tr_event e;
    const uint8_t block[] = {TR_EV_GO_BLOCK | TR_HEAD_X, 2, 5, 0, 1};
    set_up(&r, &d, block, sizeof(block));
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_BAD);
    cr_assert_eq(d.at, block, "it stays");
}

Test(reader_decode, a_record_of_a_later_version_is_stepped_over)
{
    struct tr_event e;
    const uint8_t bytes[] = {25 | TR_HEAD_X, 2, 3, 0x81, 1, 10, TR_EV_M_PARK, 5};
    set_up(&r, &d, bytes, sizeof(bytes));
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_BAD, "nobody has described it");
    r.events[25] = (struct event_def){.known = 2, .context = TR_CTX_G, .args = "gn"};
    set_up(&r, &d, bytes, sizeof(bytes));
    r.events[25] = (struct event_def){.known = 2, .context = TR_CTX_G, .args = "gn"};
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_SKIP);
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED);
    cr_assert_eq(e.type, TR_EV_M_PARK);
    cr_assert_eq(d.ticks, 15u);
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_END);
}

Test(reader_decode, zeros_are_no_record)
{
    struct tr_event e;
    const uint8_t zeros[16] = {0};
    set_up(&r, &d, zeros, sizeof(zeros));
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_BAD);
}

Test(reader_decode, impossible_values_are_damage)
{
    struct tr_event e;
    const uint8_t p[] = {TR_EV_P_START, 0xff, 0xff, 0x7f, 1};
    const uint8_t state[] = {TR_EV_GO_STATE, 2, 9, TR_KEY_NEW, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    set_up(&r, &d, p, sizeof(p));
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_BAD);
    set_up(&r, &d, state, sizeof(state));
    cr_assert_eq(tr_decode(&r, &d, &e), DECODED_BAD);
}

Test(reader_decode, random_bytes_end)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct rt_rand rnd = {seed};
        size_t n = rand_below(&rnd, 300);
        uint8_t *p = malloc(n + 1); /* exactly sized for the sanitizer */
        p = realloc(p, n ? n : 1);
        for (size_t i = 0; i < n; i++)
            p[i] = (uint8_t)rand_next(&rnd);
        set_up(&r, &d, p, n);
        struct tr_event e;
        enum decoded got;
        size_t records = 0;
        do {
            const uint8_t *at = d.at;
            got = tr_decode(&r, &d, &e);
            cr_assert(d.at <= d.end);
            cr_assert(got == DECODED ? d.at > at : d.at == at);
            records++;
        } while (got == DECODED);
        cr_assert_leq(records, n + 1);
        free(p);
    }
}
