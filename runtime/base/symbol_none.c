/* symbol_none.c - symbol.h without libdw, for -Dstandalone=true: no address has a name.
 *
 * Stack traces then show addresses, which addr2line turns into lines. */
#include "symbol.h"

size_t symbol_frames(uintptr_t pc, struct symbol_frame *ret_frames, size_t max)
{
    (void)pc;
    if (max > 0)
        ret_frames[0] = (struct symbol_frame){.function = "?"};
    return 1;
}

void symbol_unloaded(const struct dso *d)
{
    (void)d;
}

bool symbol_global(uintptr_t addr, struct symbol_global *ret_global)
{
    (void)addr;
    (void)ret_global;
    return false;
}

bool symbol_local(const struct symbol_place *frame, uintptr_t addr, struct symbol_local *ret_local)
{
    (void)frame, (void)addr, (void)ret_local;
    return false;
}

bool symbol_pointee(const uintptr_t *pcs, size_t n, size_t block_size, size_t offset, size_t bytes,
                    struct symbol_pointee *ret_pointee)
{
    (void)pcs, (void)n, (void)block_size, (void)offset, (void)bytes, (void)ret_pointee;
    return false;
}

size_t symbol_file_frames(const char *path, const unsigned char *build_id, size_t build_id_len,
                          uintptr_t offset, struct symbol_frame *ret_frames, size_t max)
{
    (void)path;
    (void)build_id;
    (void)build_id_len;
    return symbol_frames(offset, ret_frames, max);
}
