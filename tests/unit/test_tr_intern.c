/* The intern table against a plain array, and looked up while it grows. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "rand.h"
#include "record.h"

static uint32_t add(struct tr_intern *t, const void *p, size_t n)
{
    uint32_t id = tr_intern_find(t, p, n);
    if (id)
        return id;
    struct tr_intern_entry *e = tr_intern_prepare(t, p, n, &id);
    if (!e)
        return 0;
    cr_assert_eq(tr_intern_find(t, p, n), 0, "seen before it was published");
    tr_intern_publish(t, e);
    return id;
}

Test(intern, same_bytes_same_number_as_in_an_array)
{
    enum { N = 3000 };
    struct tr_intern t = {0};
    static struct {
        unsigned char bytes[24];
        size_t n;
    } model[N];
    size_t count = 0;
    struct rt_rand r = {7};
    cr_assert(tr_intern_reset(&t));
    for (int i = 0; i < N; i++) {
        unsigned char b[24];
        size_t n = rand_below(&r, 20), at = 0;
        for (size_t j = 0; j < n; j++)
            b[j] = (unsigned char)rand_below(&r, 3);
        while (at < count && (model[at].n != n || memcmp(model[at].bytes, b, n) != 0))
            at++;
        if (at == count) {
            memcpy(model[count].bytes, b, n);
            model[count++].n = n;
        }
        cr_assert_eq(add(&t, b, n), at + 1);
    }
    cr_assert_gt(count, 100u);
}

Test(intern, reset_forgets_everything)
{
    struct tr_intern t = {0};
    cr_assert(tr_intern_reset(&t));
    cr_assert_eq(add(&t, "a", 1), 1);
    cr_assert_eq(add(&t, "b", 1), 2);
    cr_assert(tr_intern_reset(&t));
    cr_assert_eq(tr_intern_find(&t, "a", 1), 0);
    cr_assert_eq(add(&t, "b", 1), 1);
}

Test(intern, a_full_table_gives_none_and_keeps_what_it_has)
{
    struct tr_intern t = {0};
    uint32_t id, last = 0;
    cr_assert(tr_intern_reset(&t));
    for (uint32_t i = 0; (id = add(&t, &i, sizeof(i))); i++)
        last = i;
    cr_assert_gt(last, 50000u);
    cr_assert_eq(add(&t, &last, sizeof(last)), last + 1);
    id = 0;
    cr_assert_eq(tr_intern_find(&t, &id, sizeof(id)), 1);
}

enum { ENTRIES = 20000 };
static struct tr_intern shared;

static void *look_up_all_the_time(void *arg)
{
    uint32_t *stop = arg, wrong = 0;
    while (!at_load_acq(stop)) /* [stop] */
        for (uint32_t i = 0; i < ENTRIES; i += 7) {
            uint32_t id = tr_intern_find(&shared, &i, sizeof(i));
            wrong += id != 0 && id != i + 1;
        }
    return (void *)(uintptr_t)wrong;
}

Test(intern, lookups_during_growth_see_whole_entries)
{
    uint32_t stop = 0;
    pthread_t t;
    void *wrong;
    cr_assert(tr_intern_reset(&shared));
    cr_assert_eq(pthread_create(&t, NULL, look_up_all_the_time, &stop), 0);
    for (uint32_t i = 0; i < ENTRIES; i++)
        cr_assert_eq(add(&shared, &i, sizeof(i)), i + 1);
    at_store_rel(&stop, 1u); /* [stop] */
    pthread_join(t, &wrong);
    cr_assert_null(wrong);
}
