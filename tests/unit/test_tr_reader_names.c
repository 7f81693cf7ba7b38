/* Names: this program's own functions, the user's frame, objects in order of their first wait. */
#include "tr_file.h"
#include "tr.h"

__attribute__((noinline)) static void named_function(struct tr_stream *s, uint64_t g)
{
    tr_go_block(s, g, TR_MUTEX, s);
    __asm__ volatile("" ::: "memory"); /* no tail call: the frame must be there */
}

__attribute__((noinline)) void go_fake_lock(struct tr_stream *s, uint64_t g);
__attribute__((noinline)) void go_fake_lock(struct tr_stream *s, uint64_t g)
{
    named_function(s, g);
    __asm__ volatile("" ::: "memory");
}

Test(reader_names, functions_and_stacks_of_this_program)
{
    cr_assert_eq(tr_start(tmp_trace()), 0);
    struct tr_stream *s = tr_stream_open(0, 1);
    tr_go_create(s, 1, 0, (const void *)go_fake_lock);
    tr_p_start(s, 0);
    tr_go_start(s, 1, 0, NULL);
    go_fake_lock(s, 1);
    tr_stop();
    struct tr_reader *r = open_trace(tmp_trace());
    struct tr_event e = {0};
    while (e.type != TR_EV_GO_BLOCK)
        cr_assert(tr_reader_next(r, &e));
    const struct tr_g *g = tr_reader_g(r, 1);
    cr_assert_str_eq(tr_reader_g_label(r, g), "go_fake_lock");
    size_t n;
    const struct tr_frame *f;
    const uint64_t *pcs = tr_reader_stack(r, e.stack, &n);
    cr_assert_geq(n, 2u);
    cr_assert_geq(tr_reader_frames(r, pcs[0], true, &f), 1u);
    cr_assert_str_eq(f[0].function, "named_function");
    cr_assert_not_null(strstr(f[0].file, "test_tr_reader_names.c"));
    tr_reader_frames(r, pcs[1], true, &f);
    cr_assert_str_eq(f[0].function, "go_fake_lock");
    tr_reader_close(r);
    unlink(tmp_trace());
}

Test(reader_names, unknown_addresses_are_question_marks)
{
    static struct built b;
    built_init(&b, 1);
    struct tr_reader *r = built_open(&b);
    const struct tr_frame *f;
    struct tr_frame user;
    cr_assert_eq(tr_reader_frames(r, 0x1234, true, &f), 1u);
    cr_assert_str_eq(f[0].function, "?");
    cr_assert_null(f[0].file);
    cr_assert_str_eq(tr_reader_function(r, 0), "?");
    cr_assert_str_eq(tr_reader_g_label(r, NULL), "?");
    cr_assert_not(tr_reader_user_frame(r, 5, &user));
    tr_reader_close(r);
}

Test(reader_names, objects_are_numbered_by_first_wait)
{
    static struct built b;
    char name[32];
    built_init(&b, 1);
    for (uint64_t g = 1; g <= 3; g++)
        b_block(&b, 0, g * 10, g, g == 2 ? TR_MUTEX : TR_CHAN_RECV, 0x1000 * (4 - g));
    struct tr_reader *r = built_open(&b);
    struct tr_event e;
    while (tr_reader_next(r, &e))
        ;
    tr_reader_obj_name(r, TR_CHAN_RECV, 0x3000, name, sizeof(name));
    cr_assert_str_eq(name, "chan#1");
    tr_reader_obj_name(r, TR_MUTEX, 0x2000, name, sizeof(name));
    cr_assert_str_eq(name, "mutex#2");
    tr_reader_rewind(r);
    cr_assert_eq(tr_reader_obj_number(r, 0x1000), 3u);
    tr_reader_obj_name(r, TR_MUTEX, 0, name, sizeof(name));
    cr_assert_str_empty(name);
    tr_reader_close(r);
}

Test(reader_names, public_and_inner_functions_are_the_runtimes_and_go_main_is_not)
{
    cr_assert(tr_is_runtime_function("go_chan_send_"));
    cr_assert(tr_is_runtime_function("rt_park"));
    cr_assert_not(tr_is_runtime_function("go_main"));
    cr_assert_not(tr_is_runtime_function("worker"));
    cr_assert_not(tr_is_runtime_function("gopher"));
}
