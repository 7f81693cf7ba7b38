/* trail.c - see trail.h.
 *
 * Which frames are not the user's?  The stacks hold instrumented functions and the pcs that called
 * them, so that the runtime shows up only at the outer end (what called go_main, a goroutine's or a
 * thread's function).  Such a pc lies either in the race library's own file, or, linked statically,
 * in code whose source stands in this project's folders.  Where that is, the debug information of a
 * function of this very file tells.  libc's functions that call main and thread functions are known
 * by name, and only dropped where they stand outermost. */
#include "trail.h"
#include "dso.h"
#include "flags.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INLINED_MAX = 32, PCS_AT_ONCE = 256 };

static const char *const begin_names[] = {
    "_start",
    "__libc_start_main",
    "__libc_start_call_main",
    "__libc_start_main_impl",
    "clone",
    "__clone3",
    "clone3",
    "start_thread",
    "go_entry",
    "rt_main",
};

static struct {
    bool known;
    char root[PATH_MAX]; /* ".../" above racecheck/, as the debug information has it, or "" */
    void *module;        /* where the file with this code is loaded */
    bool shared;         /* that file is not the program itself */
} ours;

static void find_ours(void)
{
    struct symbol_frame f;
    Dl_info me, program;
    ours.known = true;
    symbol_frames((uintptr_t)find_ours, &f, 1);
    const char *end = f.file ? strstr(f.file, "racecheck/trail.c") : NULL;
    if (end && (size_t)(end - f.file) < sizeof ours.root)
        memcpy(ours.root, f.file, (size_t)(end - f.file));
    if (!dladdr((void *)find_ours, &me))
        return;
    ours.module = me.dli_fbase;
    void *main_at = dlsym(RTLD_DEFAULT, "_start");
    if (me.dli_fname && strstr(me.dli_fname, "libgoshawk"))
        ours.shared = !main_at || !dladdr(main_at, &program) || program.dli_fbase != me.dli_fbase;
}

static bool in_our_folders(const char *file)
{
    static const char *const folders[] = {"runtime/", "racecheck/", "trace/"};
    size_t n = strlen(ours.root);
    if (n == 0 || !file || strncmp(file, ours.root, n) != 0)
        return false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(file + n, folders[i], strlen(folders[i])) == 0)
            return true;
    return false;
}

bool trail_is_ours(uintptr_t addr, const char *file)
{
    Dl_info at;
    if (!ours.known)
        find_ours();
    if (in_our_folders(file))
        return true;
    return ours.shared && dladdr((void *)addr, &at) && at.dli_fbase == ours.module;
}

bool trail_is_begin(const struct symbol_frame *f)
{
    for (size_t i = 0; i < sizeof begin_names / sizeof *begin_names; i++)
        if (strcmp(f->function, begin_names[i]) == 0)
            return true;
    return false;
}

/* Drops what began the program or the thread from the outer end. */
static void trim_begin(struct trail *t)
{
    while (t->n > 1 && trail_is_begin(&t->frame[t->n - 1]))
        t->n--;
}

static void push(struct trail *t, uintptr_t pc, const struct symbol_frame *f)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 32;
        void *frame = realloc(t->frame, room * sizeof *t->frame);
        t->frame = frame ? frame : t->frame;
        void *pcs = frame ? realloc(t->pc, room * sizeof *t->pc) : NULL;
        t->pc = pcs ? pcs : t->pc;
        if (!pcs)
            return; /* no memory: a shorter stack */
        t->room = room;
    }
    t->frame[t->n] = *f;
    t->pc[t->n++] = pc;
}

static void push_all(struct trail *t, const uintptr_t *pcs, size_t n, bool hide)
{
    struct symbol_frame f[INLINED_MAX];
    for (size_t i = 0; i < n; i++) {
        uintptr_t pc = pcs[i] - 1; /* inside the call, not behind it */
        size_t k = symbol_frames(pc, f, INLINED_MAX);
        for (size_t j = 0; j < k; j++)
            if (!hide || !trail_is_ours(pc, f[j].file))
                push(t, pc, &f[j]);
    }
}

/* A goroutine may begin with a function of the library: all it has called is ours, too. */
static void push_begin(struct trail *t, uintptr_t fn)
{
    struct symbol_frame f[INLINED_MAX];
    push(t, fn, &f[symbol_frames(fn, f, INLINED_MAX) - 1]);
}

void trail_make(struct trail *t, rc_site site)
{
    trail_make_of(t, site, NULL);
}

void trail_make_of(struct trail *t, rc_site site, const struct rc_life *by)
{
    uintptr_t some[PCS_AT_ONCE], *pcs = some;
    *t = (struct trail){0};
    size_t n = rc_stack_of(site, pcs, PCS_AT_ONCE, &t->folded);
    if (n > PCS_AT_ONCE) {
        pcs = malloc(n * sizeof *pcs);
        if (pcs)
            rc_stack_of(site, pcs, n, NULL);
        else
            pcs = some, n = PCS_AT_ONCE;
    }
    push_all(t, pcs, n, true);
    if (t->n == 0 && by && by->runs)
        push_begin(t, by->runs);
    if (t->n == 0)
        push_all(t, pcs, n, false);
    trim_begin(t);
    if (pcs != some)
        free(pcs);
}

void trail_free(struct trail *t)
{
    free(t->frame);
    free(t->pc);
    *t = (struct trail){0};
}

/* Copies path without "." and, where a name stands before it, "..".  Compilers put together
 * directories and names without looking. */
static void tidy(const char *path, char buf[PATH_MAX])
{
    size_t n = 0, names = 0;
    if (*path == '/')
        buf[n++] = '/';
    while (*path) {
        size_t len = strcspn(path, "/");
        if (len == 2 && path[0] == '.' && path[1] == '.' && names > 0) {
            n--; /* the slash */
            while (n > 0 && buf[n - 1] != '/')
                n--;
            names--;
        } else if (len > 0 && !(len == 1 && path[0] == '.') && n + len + 2 < PATH_MAX) {
            memcpy(buf + n, path, len);
            n += len;
            names += !(len == 2 && path[0] == '.' && path[1] == '.');
            buf[n++] = '/';
        }
        path += len;
        path += strspn(path, "/");
    }
    buf[n > 1 ? n - 1 : n] = 0;
}

/* Is prefix a beginning of path?  Then path without it. */
static const char *without(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    return n && strncmp(path, prefix, n) == 0 ? path + n : path;
}

const char *trail_whole_file(const char *path, char buf[PATH_MAX])
{
    if (!path)
        return "?";
    tidy(path, buf);
    return without(buf, rc_flags()->strip_path_prefix);
}

const char *trail_file(const char *path, char buf[PATH_MAX])
{
    static char cwd[PATH_MAX];
    static bool asked;
    if (!asked) {
        asked = true;
        if (!getcwd(cwd, sizeof cwd - 1) || strcmp(cwd, "/") == 0)
            cwd[0] = 0;
        else
            strcat(cwd, "/");
    }
    path = trail_whole_file(path, buf);
    return without(path, cwd);
}

const char *trail_module(uintptr_t pc)
{
    Dl_info at;
    return dladdr((void *)pc, &at) ? at.dli_fname : NULL;
}

uintptr_t trail_offset(uintptr_t pc)
{
    char path[PATH_MAX];
    uintptr_t offset;
    return dso_place(pc, path, sizeof path, &offset) ? offset : 0;
}
