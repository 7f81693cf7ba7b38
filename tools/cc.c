/* cc.c - the arguments of goshawk cc, read just far enough.
 *
 * Everything is passed on to the compiler in the order given.  Ours are added around it: the
 * include directory, -g and frame pointers before (so that the user's own options win), the
 * libraries behind. What must be known of the user's arguments is: does this command link, and
 * what (a program, a shared object, a relocatable one)?  Are there sources among the inputs?
 *
 * -race and the linker.  A compiler that sees -fsanitize=thread while it links adds its own
 * libtsan. A command that only compiles therefore gets -fsanitize=thread as it is; one that
 * compiles and links gets -Wp,-fsanitize=thread, which both gcc and clang hand to the compiler
 * proper only.  (Rejected: two commands, one for each step, because -MD, -o, -x and @file would
 * have to be taken apart.)
 *
 * -race and gcc's -flto.  gcc does not write down in an object that it is to be instrumented, so
 * the link would make code of it that the detector does not see: -fno-lto stands behind the user's
 * options.  clang instruments before it writes its objects.
 *
 * -race and clang's vectors.  clang instruments no access of more than 16 bytes, so its loops are
 * to have none.
 *
 * Static programs.  Without -race they get the static libraries, and what those need.  The detector
 * stands in for functions of the shared libc and asks the loader for the real ones: no -static.
 *
 * Libraries.  A program gets libgoshawk_main.a first, whose main() is taken when the program has
 * none of its own, then the library it needs.  The race library is linked whole: its malloc and
 * friends stand in for libc's though nothing asks for them by then, and libraries that are loaded
 * later, compiled for the detector, ask the program for its functions.  The same holds with
 * -rdynamic, where objects loaded later may need any public function.  A shared object gets no
 * library: the program that loads it brings the one runtime of the process. */
#include "cc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"
#include "cc_flags.h" /* generated: FLAGS_USER and others */
#include "place.h"
#include "child.h"

/* What the user's arguments say. */
struct request {
    struct args pass;   /* to the compiler; -race and -fsanitize=thread taken out */
    struct args inputs; /* files among them */
    bool race;
    bool no_link;         /* -c, -S, -E, -M, -fsyntax-only: stops before the linker */
    bool shared, partial; /* -shared; -r */
    bool rdynamic;
    const char *is_static; /* the option that says so, or NULL */
    bool has_source, has_language, saves_temps;
};

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

static bool among(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(s, *list))
            return true;
    return false;
}

/* Options whose value is the next argument. */
static const char *const with_value[] = {"-o",
                                         "-x",
                                         "-I",
                                         "-D",
                                         "-U",
                                         "-L",
                                         "-l",
                                         "-T",
                                         "-u",
                                         "-z",
                                         "-e",
                                         "-G",
                                         "-A",
                                         "-MF",
                                         "-MT",
                                         "-MQ",
                                         "-include",
                                         "-imacros",
                                         "-isystem",
                                         "-iquote",
                                         "-idirafter",
                                         "-iprefix",
                                         "-iwithprefix",
                                         "-iwithprefixbefore",
                                         "-isysroot",
                                         "--sysroot",
                                         "-imultilib",
                                         "-aux-info",
                                         "--param",
                                         "-Xlinker",
                                         "-Xpreprocessor",
                                         "-Xassembler",
                                         "-Xclang",
                                         "-mllvm",
                                         "-target",
                                         "-arch",
                                         "-wrapper",
                                         "-dumpbase",
                                         "-dumpbase-ext",
                                         "-dumpdir",
                                         "-specs",
                                         "-B",
                                         NULL};

static const char *const stops_before_link[] = {
    "-c",        "-S",         "-E",           "-M", "-MM", "-fsyntax-only",
    "--compile", "--assemble", "--preprocess", NULL};

/* Files that the compiler compiles or assembles; anything else is for the linker. */
static bool is_source(const char *file)
{
    static const char *const suffixes[] = {".c",   ".i", ".s",   ".S",  ".sx", ".cc", ".cpp",
                                           ".cxx", ".C", ".c++", ".cp", ".ii", NULL};
    for (int i = 0; suffixes[i]; i++)
        if (ends(file, suffixes[i]))
            return true;
    return false;
}

static void see_input(struct request *r, const char *file)
{
    args_add(&r->inputs, file);
    if (is_source(file) || r->has_language)
        r->has_source = true;
}

static void see_option(struct request *r, const char *opt)
{
    if (among(opt, stops_before_link))
        r->no_link = true;
    else if (!strcmp(opt, "-shared") || !strcmp(opt, "--shared"))
        r->shared = true;
    else if (!strcmp(opt, "-r"))
        r->partial = true;
    else if (!strcmp(opt, "-static") || !strcmp(opt, "--static") || !strcmp(opt, "-static-pie"))
        r->is_static = opt;
    else if (!strcmp(opt, "-rdynamic") || !strcmp(opt, "-Wl,-E") ||
             !strcmp(opt, "-Wl,--export-dynamic"))
        r->rdynamic = true;
    else if (begins(opt, "-save-temps") || begins(opt, "--save-temps"))
        r->saves_temps = true;
}

static int read_args(const char *cmd, const struct args *args, bool passed_on, struct request *r);

/* The compiler reads the file itself; we read it to know what it asks for. */
static int see_response_file(const char *cmd, const char *path, struct request *r)
{
    struct args inner = {0};
    if (args_add_response_file(&inner, path) == 0) {
        for (int i = 0; i < inner.n; i++)
            if (!strcmp(inner.v[i], "-race"))
                return cmd_wrong_use(cmd, "-race stands in @%s; write it on the command line",
                                     path);
        int code = read_args(cmd, &inner, false, r);
        if (code)
            return code;
    }
    args_fini(&inner);
    return 0;
}

/* -fsanitize= of the user's.  Returns 0 with *ret_drop set when the option is not to be passed
 * on. */
static int see_sanitizer(const char *cmd, const char *opt, bool race, bool *ret_drop)
{
    const char *list = opt + strlen("-fsanitize=");
    if (!race)
        return strstr(list, "thread")
                   ? cmd_wrong_use(cmd, "%s would link another detector; use -race instead", opt)
                   : 0;
    if (!strcmp(list, "thread"))
        *ret_drop = true;
    else if (strstr(list, "thread") || strstr(list, "address") || strstr(list, "memory") ||
             strstr(list, "leak"))
        return cmd_wrong_use(cmd, "-race cannot be combined with %s; drop one of them", opt);
    return 0;
}

static int read_args(const char *cmd, const struct args *args, bool passed_on, struct request *r)
{
    for (int i = 0; i < args->n; i++) {
        const char *a = args->v[i];
        bool drop = !strcmp(a, "-race");
        int code = 0;
        if (a[0] == '@' && a[1])
            code = see_response_file(cmd, a + 1, r);
        else if (begins(a, "-fsanitize="))
            code = see_sanitizer(cmd, a, r->race, &drop);
        else if (!strcmp(a, "-x") || begins(a, "-x"))
            r->has_language =
                strcmp(a, "-xnone") && !(i + 1 < args->n && !strcmp(args->v[i + 1], "none"));
        else if (a[0] != '-' || !a[1])
            see_input(r, a);
        else
            see_option(r, a);
        if (code)
            return code;
        if (passed_on && !drop)
            args_add(&r->pass, a);
        if (among(a, with_value) && i + 1 < args->n) {
            i++;
            if (passed_on)
                args_add(&r->pass, args->v[i]);
        }
    }
    return 0;
}

/* -race counts wherever it stands, but not as another option's value. */
static bool asks_for_race(const struct args *args)
{
    for (int i = 0; i < args->n; i++) {
        if (!strcmp(args->v[i], "-race"))
            return true;
        if (among(args->v[i], with_value))
            i++;
    }
    return false;
}

/* ---- the compiler ---- */

static bool is_ourselves(const char *program)
{
    char *full = place_find_program(program), *real = full ? realpath(full, NULL) : NULL;
    char *self = realpath("/proc/self/exe", NULL);
    bool same = real && self && !strcmp(real, self);
    free(full);
    free(real);
    free(self);
    return same;
}

/* gcc-12 and x86_64-linux-gnu-gcc are gcc; cc is whatever it is a link to. */
static void classify(struct compiler *c)
{
    for (int i = 0; i < c->words.n; i++) {
        char *full = place_find_program(c->words.v[i]), *real = full ? realpath(full, NULL) : NULL;
        const char *names[] = {c->words.v[i], real ? real : ""};
        for (int k = 0; k < 2; k++) {
            const char *slash = strrchr(names[k], '/'), *base = slash ? slash + 1 : names[k];
            c->is_clang |= strstr(base, "clang") != NULL;
            c->is_gcc |= strstr(base, "gcc") != NULL || strstr(base, "g++") != NULL;
        }
        free(full);
        free(real);
    }
    c->is_gcc &= !c->is_clang;
}

int cc_find_compiler(const char *cmd, struct compiler *ret_compiler)
{
    struct compiler c = {0};
    const char *cc = getenv("CC");
    char *words = cmd_strdup(cc ? cc : ""), *save = NULL;
    for (char *w = strtok_r(words, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save))
        args_add(&c.words, w);

    /* "make CC='goshawk cc'" hands that CC down to us. */
    if (c.words.n == 0 || is_ourselves(c.words.v[0])) {
        static const char *const known[] = {"gcc", "clang", NULL};
        c.words.n = 0;
        for (int i = 0; known[i] && c.words.n == 0; i++)
            if (place_find_program(known[i]))
                args_add(&c.words, known[i]);
        if (c.words.n == 0)
            return cmd_failed(cmd, "there is neither gcc nor clang on PATH; install one of them");
    } else if (!place_find_program(c.words.v[0])) {
        return cmd_wrong_use(cmd, "CC names %s, which cannot be run; set CC to gcc or clang",
                             c.words.v[0]);
    }
    classify(&c);
    *ret_compiler = c;
    return 0;
}

/* ---- the command ---- */

static const char *const flags_user[] = {FLAGS_USER, NULL};
static const char *const flags_race[] = {FLAGS_RACE, NULL};
static const char *const flags_race_clang[] = {FLAGS_RACE_CLANG, NULL};
static const char *const flags_libs[] = {FLAGS_LIBS, NULL};
static const char *const flags_static_libs[] = {FLAGS_STATIC_LIBS, NULL};

static void add_compile_flags(struct args *out, const struct request *r, const struct compiler *c,
                              bool links)
{
    args_add(out, cmd_printf("-I%s", place_get()->include));
    args_add(out, "-g");
    args_add_all(out, flags_user);
    if (!r->race)
        return;
    args_add(out, links ? "-Wp,-fsanitize=thread" : "-fsanitize=thread");
    args_add_all(out, flags_race);
    if (c->is_gcc)
        args_add(out, "-Wno-tsan"); /* about fences, which our detector understands */
}

/* What a library that was compiled for the detector, and is loaded later, asks of the program. */
static const char *const exported[] = {"-Wl,--export-dynamic-symbol=__tsan_*",
                                       "-Wl,--export-dynamic-symbol=*Annotate*", NULL};

static void add_libraries(struct args *out, const struct request *r)
{
    const char *lib = place_get()->lib, *name = r->race ? "libgoshawk_race.a" : "libgoshawk.a";
    bool whole = r->race || r->rdynamic;
    if (r->has_language)
        args_add_all(out, (const char *const[]){"-x", "none", NULL});
    args_add(out, cmd_printf("%s/libgoshawk_main.a", lib));
    if (whole)
        args_add(out, "-Wl,--whole-archive");
    args_add(out, cmd_printf("%s/%s", lib, name));
    if (whole)
        args_add(out, "-Wl,--no-whole-archive");
    if (r->race)
        args_add_all(out, exported);
    args_add(out, cmd_printf("%s/libgoshawk_trace.a", lib)); /* for goshawk/expect.h */
    args_add_all(out, r->is_static ? flags_static_libs : flags_libs);
}

static int check_libraries(const char *cmd, const struct request *r)
{
    const char *name = r->race ? "libgoshawk_race.a" : "libgoshawk.a";
    char *path = cmd_printf("%s/%s", place_get()->lib, name);
    int there = access(path, R_OK);
    free(path);
    return there == 0 ? 0
                      : cmd_failed(cmd, "%s is not in %s; build it (tools/dev build) or reinstall",
                                   name, place_get()->lib);
}

/* ---- after a link that failed ---- */

#define GCC_LTO ".gnu.lto_" /* in the names of its sections */

bool cc_file_contains(const char *path, const char *word)
{
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p != MAP_FAILED) {
            found = memmem(p, (size_t)st.st_size, word, strlen(word)) != NULL;
            munmap(p, (size_t)st.st_size);
        }
    }
    if (fd >= 0)
        close(fd);
    return found;
}

/* Says which input was compiled for the other library, or for another kind of link. */
static void explain_failed_link(const char *cmd, const struct request *r)
{
    const char *sign = r->race ? "go_object_was_compiled_without_race" : "__tsan_func_entry";
    for (int i = 0; i < r->inputs.n; i++) {
        const char *file = r->inputs.v[i];
        if (is_source(file))
            continue;
        if (r->race && cc_file_contains(file, GCC_LTO)) {
            cmd_failed(cmd,
                       "%s was compiled by gcc with -flto, which -race cannot link; compile it "
                       "again with goshawk cc -race",
                       file);
            continue;
        }
        if (!cc_file_contains(file, sign))
            continue;
        if (r->race)
            cmd_failed(cmd, "%s was compiled without -race; compile it again with -race", file);
        else
            cmd_failed(cmd, "%s was compiled with -race; link with goshawk cc -race", file);
    }
}

int cc_run(const char *cmd, const struct args *args)
{
    struct request r = {.race = asks_for_race(args)};
    struct compiler c;
    int code = read_args(cmd, args, true, &r);
    if (!code)
        code = cc_find_compiler(cmd, &c);
    if (code)
        return code;

    bool links = !r.no_link && r.inputs.n > 0;
    if (links && r.race && r.has_source && r.saves_temps)
        return cmd_wrong_use(cmd,
                             "-save-temps and -race need two steps; compile with -c, then link");
    if (links && !r.shared && !r.partial && r.race && r.is_static)
        return cmd_wrong_use(cmd,
                             "-race cannot be linked with %s: the detector stands in for "
                             "functions of the shared libc; leave %s out",
                             r.is_static, r.is_static);
    if (links && !r.shared && !r.partial && (code = check_libraries(cmd, &r)))
        return code;

    struct args out = {0};
    args_add_all(&out, (const char *const *)c.words.v);
    if (!links || r.has_source)
        add_compile_flags(&out, &r, &c, links);
    args_add_all(&out, r.pass.n ? (const char *const *)r.pass.v : (const char *const[]){NULL});
    if (r.race && (!links || r.has_source))
        args_add(&out, "-U_FORTIFY_SOURCE"); /* the calls it makes are expanded out of our sight */
    if (r.race && c.is_gcc)
        args_add(&out, "-fno-lto");
    if (r.race && c.is_clang && (!links || r.has_source))
        args_add_all(&out, flags_race_clang);
    if (links && !r.shared && !r.partial)
        add_libraries(&out, &r);

    code = child_run(out.v, NULL);
    if (code < 0)
        return cmd_failed(cmd, "cannot run %s: %s", out.v[0], strerror(-code));
    if (code && links)
        explain_failed_link(cmd, &r);
    args_fini(&out);
    args_fini(&r.pass);
    args_fini(&r.inputs);
    args_fini(&c.words);
    return code;
}
