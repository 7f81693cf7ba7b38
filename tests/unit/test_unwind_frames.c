/* test_unwind_frames.c - the walk by frame pointers that stands in for libunwind. */
#define unwind_here     frames_here
#define unwind_regs     frames_regs
#define unwind_ucontext frames_ucontext
#include "unwind_frames.c"
#include <criterion/criterion.h>
#include <sys/mman.h>

enum { DEEP = 20, ROOM = 64 };

/* ret_at: the return address of each call of recurse(), outermost first. */
static uintptr_t ret_at[DEEP + 1], pcs[ROOM];

__attribute__((noinline)) static size_t recurse(int n, size_t max, size_t skip)
{
    ret_at[DEEP - n] = (uintptr_t)__builtin_return_address(0);
    size_t got = n ? recurse(n - 1, max, skip) : unwind_here(pcs, max, skip);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return got;
}

Test(unwind_frames, every_frame_innermost_first)
{
    size_t n = recurse(DEEP, ROOM, 0);
    cr_assert_gt(n, DEEP + 1);
    for (int i = 0; i <= DEEP; i++)
        cr_expect_eq(pcs[1 + i], ret_at[DEEP - i], "frame %d", 1 + i);
}

Test(unwind_frames, skip_and_max_bound_it)
{
    cr_expect_eq(recurse(DEEP, 5, 3), 5);
    cr_expect_eq(pcs[0], ret_at[DEEP - 2]);
    cr_expect_eq(pcs[4], ret_at[DEEP - 6]);
    cr_expect_eq(recurse(DEEP, ROOM, 1000), 0);
}

/* Whatever a frame pointer holds, the walk ends there. */
Test(unwind_frames, wild_frame_pointers_end_the_walk)
{
    uintptr_t *wall = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uintptr_t loop[2] = {(uintptr_t)loop, 0x1234}, end[2] = {0, 0};
    const uintptr_t fps[] = {0, 8, 0x18, 3, (uintptr_t)wall, UINTPTR_MAX - 7, (uintptr_t)end};
    struct unwind_regs r = {.pc = 0x5678};
    for (size_t i = 0; i < sizeof fps / sizeof *fps; i++) {
        r.fp = fps[i];
        cr_expect_eq(unwind_regs(&r, pcs, ROOM), 1, "frame pointer %zu", i);
        cr_expect_eq(pcs[0], 0x5678);
    }
    r.fp = (uintptr_t)loop;
    cr_expect_eq(unwind_regs(&r, pcs, ROOM), 2);
    cr_expect_eq(pcs[1], 0x1234);
    cr_expect_eq(unwind_regs(&r, pcs, 0), 0);
}
