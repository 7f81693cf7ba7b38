/* gdb.c - see gdb.h.  Nothing here runs. */
#include "gdb.h"
#include "gdb_script.h"
#include "dump.h"
#include "g.h"
#include "hook.h"
#include "proc.h"
#include "switch.h"

#define G(field)   offsetof(struct g, field)
#define CTX(field) (offsetof(struct g, ctx) + offsetof(struct switch_ctx, field))
#define M(field)   offsetof(struct m, field)

/* goshawk-gdb.py has the same words in the same order. */
struct gdb_table {
    uint64_t version, words;
    const struct gdb_blocks *blocks;
    const void *ms;             /* address of the pointer to the first M */
    const char *const *reasons; /* why goroutines wait, by g.why; NULL: no words for it */
    uint64_t reasons_count;
    void (*not_begun)(void); /* a goroutine whose saved pc this is has not begun */
    uint64_t g_state, g_flags, g_id, g_m, g_why, g_park_obj, g_entry, g_created_pc, g_created_by;
    uint64_t g_stack_lo, g_stack_hi, g_locks_thread, g_name, g_size;
    uint64_t ctx_pc, ctx_sp, ctx_fp, ctx_saved; /* saved: of the other registers the first */
    uint64_t m_id, m_tid, m_g, m_next;
};

const struct gdb_table go_gdb_ = {
    .version = 1,
    .words = sizeof(struct gdb_table) / 8,
    .blocks = &arena_gdb_blocks,
    .ms = &worker_list,
    .reasons = dump_reasons,
    .reasons_count = TR_REASONS,
    .not_begun = switch_entry,
    .g_state = G(state),
    .g_flags = G(flags),
    .g_id = G(id),
    .g_m = G(m),
    .g_why = G(why),
    .g_park_obj = G(park_obj),
    .g_entry = G(entry),
    .g_created_pc = G(created_pc),
    .g_created_by = G(created_by),
    .g_stack_lo = G(stack_lo),
    .g_stack_hi = G(stack_hi),
    .g_locks_thread = G(locks_thread),
    .g_name = G(name),
    .g_size = sizeof(struct g),
    .ctx_pc = CTX(pc),
    .ctx_sp = CTX(sp),
    .ctx_fp = CTX(fp),
#if defined(__x86_64__)
    .ctx_saved = CTX(rbx),
#elif defined(__aarch64__)
    .ctx_saved = CTX(x),
#endif
    .m_id = M(id),
    .m_tid = M(tid),
    .m_g = M(g),
    .m_next = M(next_all),
};
