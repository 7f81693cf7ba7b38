/* The recorder's dictionary: one number for one stack, long names, more than a chunk of
 * definitions. */
#include "tr_file.h"
#include "tr.h"

__attribute__((noinline)) static void block_here(struct tr_stream *s)
{
    tr_go_block(s, 1, TR_MUTEX, s);
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void block_there(struct tr_stream *s)
{
    tr_go_block(s, 1, TR_MUTEX, s);
    __asm__ volatile("" ::: "memory");
}

Test(dict, one_stack_has_one_number)
{
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    for (volatile int i = 0; i < 10; i++) /* volatile: unrolled it would be ten stacks */
        block_here(s);
    block_there(s);
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    uint32_t first = 0, last = 0;
    for (int n = 0; tr_reader_next(r, &e);) {
        if (e.type != TR_EV_GO_BLOCK)
            continue;
        cr_assert_neq(e.stack, 0u);
        if (n++ == 0)
            first = e.stack;
        else if (n <= 10)
            cr_assert_eq(e.stack, first);
        last = e.stack;
    }
    cr_assert_neq(last, first);
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(dict, thousands_of_names_and_a_long_one)
{
    enum { N = 6000 };
    char name[2000];
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "a goroutine with a name that is number %d", i);
        tr_go_name(s, 1 + (uint64_t)i, name);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    tr_go_name(s, N + 1, name);
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e;
    int n = 0;
    while (tr_reader_next(r, &e)) {
        if (e.type != TR_EV_GO_NAME)
            continue;
        snprintf(name, sizeof(name), "a goroutine with a name that is number %d", n++);
        if (e.g <= N)
            cr_assert_str_eq(e.text, name);
        else
            cr_assert_eq(strlen(e.text), (size_t)TR_STRING_MAX);
    }
    cr_assert_eq(n, N + 1);
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(dict, a_second_recording_defines_everything_anew)
{
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(tr_start(tmp_trace()), 0);
        struct tr_stream *s = tr_stream_open(0, 1);
        tr_go_name(s, 1, "the same name");
        block_here(s);
        tr_stop();
        tr_stream_close(s);
        struct tr_reader *r = open_trace(tmp_trace());
        struct tr_event e;
        size_t n;
        while (tr_reader_next(r, &e)) {
            if (e.type == TR_EV_GO_NAME)
                cr_assert_str_eq(e.text, "the same name");
            if (e.type == TR_EV_GO_BLOCK)
                cr_assert_not_null(tr_reader_stack(r, e.stack, &n), "round %d", round);
        }
        tr_reader_close(r);
    }
    unlink(tmp_trace());
}
