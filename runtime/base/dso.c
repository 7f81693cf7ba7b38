/* dso.c - see dso.h. */
#include "dso.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t id_in_note(const struct dl_phdr_info *info, const ElfW(Phdr) * note,
                         const unsigned char **ret_id)
{
    const char *p = (const char *)info->dlpi_addr + note->p_vaddr, *end = p + note->p_memsz;
    while (p + sizeof(ElfW(Nhdr)) <= end) {
        const ElfW(Nhdr) *h = (const void *)p;
        const char *name = p + sizeof *h, *desc = name + ((h->n_namesz + 3) & ~3u);
        if (h->n_type == NT_GNU_BUILD_ID && h->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
            *ret_id = (const unsigned char *)desc;
            return h->n_descsz;
        }
        p = desc + ((h->n_descsz + 3) & ~3u);
    }
    return 0;
}

size_t dso_build_id(const struct dl_phdr_info *info, const unsigned char **ret_id)
{
    size_t n = 0;
    *ret_id = (const unsigned char *)"";
    for (int i = 0; i < info->dlpi_phnum && n == 0; i++)
        if (info->dlpi_phdr[i].p_type == PT_NOTE)
            n = id_in_note(info, &info->dlpi_phdr[i], ret_id);
    return n;
}

struct place {
    uintptr_t pc, offset;
    char *path;
    size_t size;
};

static void set_path(struct place *place, const char *name)
{
    ssize_t n = name[0] ? -1 : readlink("/proc/self/exe", place->path, place->size - 1);
    if (n >= 0)
        place->path[n] = '\0';
    else
        snprintf(place->path, place->size, "%s", name[0] ? name : "/proc/self/exe");
}

static int find_place(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct place *place = arg;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || place->pc - info->dlpi_addr - ph->p_vaddr >= ph->p_memsz)
            continue;
        place->offset = place->pc - info->dlpi_addr;
        set_path(place, info->dlpi_name);
        return 1;
    }
    return 0;
}

bool dso_place(uintptr_t pc, char *ret_path, size_t size, uintptr_t *ret_offset)
{
    struct place place = {.pc = pc, .path = ret_path, .size = size};
    if (!dl_iterate_phdr(find_place, &place))
        return false;
    *ret_offset = place.offset;
    return true;
}

static bool fill(struct dso *d, const struct dl_phdr_info *info)
{
    const unsigned char *id;
    uintptr_t lo = UINTPTR_MAX, hi = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type != PT_LOAD)
            continue;
        lo = start < lo ? start : lo;
        hi = start + ph->p_memsz > hi ? start + ph->p_memsz : hi;
    }
    *d = (struct dso){.path = strdup(info->dlpi_name), .base = info->dlpi_addr};
    if (!d->path)
        return false;
    d->lo = lo < hi ? lo : 0;
    d->size = hi - d->lo;
    size_t n = dso_build_id(info, &id);
    d->id_len = n < DSO_ID_MAX ? n : DSO_ID_MAX;
    if (d->id_len)
        memcpy(d->id, id, d->id_len);
    return true;
}

static int add(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct dso_list *l = arg;
    (void)size;
    struct dso *more = realloc(l->at, (l->n + 1) * sizeof *l->at);
    if (!more)
        return 1;
    l->at = more;
    l->n += fill(&l->at[l->n], info);
    return 0;
}

void dso_list(struct dso_list *ret_list)
{
    *ret_list = (struct dso_list){0};
    dl_iterate_phdr(add, ret_list);
}

void dso_list_fini(struct dso_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].path);
    free(l->at);
    *l = (struct dso_list){0};
}

const struct dso *dso_find(const struct dso_list *l, const struct dso *like)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].base == like->base && strcmp(l->at[i].path, like->path) == 0)
            return &l->at[i];
    return NULL;
}

bool dso_overlaps(const struct dso_list *l, uintptr_t lo, uintptr_t size)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].lo < lo + size && lo < l->at[i].lo + l->at[i].size)
            return true;
    return false;
}
