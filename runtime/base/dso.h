/* dso.h - the files with code that this process has loaded: the program and its libraries. */
#ifndef BASE_DSO_H
#define BASE_DSO_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DSO_ID_MAX = 64 };

struct dso {
    char *path;         /* "" for the program */
    uintptr_t base;     /* what is added to the addresses in the file */
    uintptr_t lo, size; /* where it lies, .bss included */
    unsigned char id[DSO_ID_MAX];
    size_t id_len; /* of its build-id; 0: it has none */
};

struct dso_list {
    struct dso *at;
    size_t n;
};

/* Those that are loaded now; less where memory is short. */
void dso_list(struct dso_list *ret_list);
void dso_list_fini(struct dso_list *l);

/* The one of l that is the same file, loaded at the same place, or NULL. */
const struct dso *dso_find(const struct dso_list *l, const struct dso *like);

/* Does any of l lie in [lo, lo + size)? */
bool dso_overlaps(const struct dso_list *l, uintptr_t lo, uintptr_t size);

/* The file whose code is at pc ("/proc/self/exe" for the program, where that cannot be told), and
 * the offset that addr2line takes with it.  False: no file's. */
bool dso_place(uintptr_t pc, char *ret_path, size_t size, uintptr_t *ret_offset);

/* The build-id of the module info, in its own memory; 0: it has none. */
size_t dso_build_id(const struct dl_phdr_info *info, const unsigned char **ret_id);

#endif
