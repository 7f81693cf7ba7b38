/* cmd_doctor.c - goshawk doctor: what this machine and build can do, and what is missing.
 *
 * A line for each thing: a verdict, the thing, what was found.
 *     ok       it is there and was tried
 *     note     it works, with the restriction that the line names
 *     missing  and what it is needed for; exit code 1 if programs need it
 *
 * What can be tried is tried: a program is built and run, a guard page installed, the clock
 * read. */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "args.h"
#include "cc.h"
#include "clock.h"
#include "cmd.h"
#include "cc_flags.h"
#include "place.h"
#include "child.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum verdict { OK, NOTE, MISSING };

static bool essential_missing;

static void line(enum verdict v, const char *thing, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void line(enum verdict v, const char *thing, const char *fmt, ...)
{
    static const char *const names[] = {"ok", "note", "missing"};
    printf("  %-8s %-18s ", names[v], thing);
    va_list ap;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}

static bool read_word(const char *path, char *word, int cap)
{
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(word, cap, f);
    if (f)
        fclose(f);
    if (ok)
        word[strcspn(word, " \n")] = 0;
    return ok;
}

/* ---- building ---- */

/* A program and the first line that it prints for option; needed_for says what fails without it. */
static bool program(const char *name, const char *option, const char *needed_for)
{
    char first[160];
    char *argv[] = {(char *)name, (char *)option, NULL};
    char *path = place_find_program(name);
    bool there = path && child_first_line(argv, first, sizeof(first)) == 0;
    if (there)
        line(OK, name, "%s", first);
    else
        line(MISSING, name, "%s", needed_for);
    free(path);
    return there;
}

static void compilers(void)
{
    bool gcc = program("gcc", "--version", "one of gcc and clang is needed to build programs");
    bool clang = program("clang", "--version", "one of gcc and clang is needed to build programs");
    const char *cc = getenv("CC");
    if (cc && *cc)
        line(OK, "CC", "%s", cc);
    essential_missing |= !gcc && !clang && !(cc && *cc);
}

static void library(const char *name, const char *folder, bool essential)
{
    char *path = cmd_printf("%s/%s", folder, name);
    if (access(path, R_OK) == 0) {
        line(OK, name, "%s", path);
    } else {
        line(MISSING, name, "not in %s", folder);
        essential_missing |= essential;
    }
    free(path);
}

static void libraries(void)
{
    const struct place *p = place_get();
    library("goshawk.h", p->include, true);
    library("libgoshawk.a", p->lib, true);
    library("libgoshawk_main.a", p->lib, true);
    library("libgoshawk_race.a", p->lib, false);
}

/* Builds and runs a program of one goroutine. */
static void try_program(const char *folder, bool race)
{
    char *source = cmd_printf("%s/try.c", folder), *exe = cmd_printf("%s/try", folder);
    FILE *f = fopen(source, "we");
    if (f) {
        fputs("#include <goshawk.h>\n"
              "static void say(go_chan(int) c) { go_chan_send(c, 42); }\n"
              "int go_main(int argc, char **argv)\n{\n"
              "    (void)argc; (void)argv;\n"
              "    go_chan(int) c = go_chan_make(int, 0);\n"
              "    go(say, c);\n"
              "    return go_chan_recv(c);\n}\n",
              f);
        fclose(f);
    }
    struct args build = {0};
    if (race)
        args_add(&build, "-race");
    args_add_all(&build, (const char *const[]){source, "-o", exe, NULL});
    int64_t start = clock_nanos();
    int code = cc_run("goshawk doctor", &build);
    int64_t built = clock_nanos();
    args_fini(&build);
    if (code == 0)
        code = child_run((char *[]){exe, NULL}, NULL);
    const char *thing = race ? "build+run -race" : "build+run";
    if (code == 42) {
        line(OK, thing, "built in %.1f s, ran in %.0f ms%s", (double)(built - start) / 1e9,
             (double)(clock_nanos() - built) / 1e6,
             cc_file_contains(exe, ".debug_line") ? ", with debug information" : "");
    } else {
        line(MISSING, thing, "a small program failed with exit code %d", code);
        essential_missing |= !race;
    }
    unlink(source);
    unlink(exe);
    free(source);
    free(exe);
}

static void try_programs(void)
{
    char folder[] = "/tmp/goshawk-doctor-XXXXXX";
    char *race = cmd_printf("%s/libgoshawk_race.a", place_get()->lib);
    if (!mkdtemp(folder)) {
        line(MISSING, "/tmp", "cannot make a folder there: %s", strerror(errno));
        essential_missing = true;
    } else {
        if (!essential_missing)
            try_program(folder, false);
        if (!essential_missing && access(race, R_OK) == 0)
            try_program(folder, true);
        rmdir(folder);
    }
    free(race);
}

/* ---- the machine ---- */

static void clock_source(void)
{
    char word[32] = "unknown";
    read_word("/sys/devices/system/clocksource/clocksource0/current_clocksource", word,
              sizeof(word));
    enum { N = 20000 };
    int64_t t0 = clock_nanos();
    for (int i = 0; i < N; i++)
        clock_nanos();
    int64_t t1 = clock_nanos();
    volatile uint64_t sink = 0;
    for (int i = 0; i < N; i++)
        sink += clock_ticks();
    int64_t t2 = clock_nanos();
    (void)sink;
    double clock_ns = (double)(t1 - t0) / N, tick_ns = (double)(t2 - t1) / N;
    line(clock_ns < 200 ? OK : NOTE, "clock", "%s: CLOCK_MONOTONIC %.0f ns, tick counter %.0f ns%s",
         word, clock_ns, tick_ns, clock_ns < 200 ? "" : "; slow: timers and traces cost more");
}

static void guards(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED && madvise(p, 4096, MADV_GUARD_INSTALL) == 0)
        line(OK, "stack guards", "MADV_GUARD_INSTALL");
    else
        line(NOTE, "stack guards",
             "mprotect, within vm.max_map_count (Linux 6.13 has cheaper ones)");
    if (p != MAP_FAILED)
        munmap(p, 4096);
}

static void membarrier(void)
{
    long cmds = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    if (cmds > 0 && (cmds & MEMBARRIER_CMD_PRIVATE_EXPEDITED))
        line(OK, "membarrier", "private expedited");
    else
        line(NOTE, "membarrier", "not there; full fences are used");
}

static void limits(void)
{
    char word[32] = "?";
    read_word("/proc/sys/vm/max_map_count", word, sizeof(word));
    line(OK, "vm.max_map_count", "%s", word);
    read_word("/proc/sys/vm/overcommit_memory", word, sizeof(word));
    if (!strcmp(word, "2"))
        line(NOTE, "overcommit", "vm.overcommit_memory=2: large reservations may be refused");
    else
        line(OK, "overcommit", "vm.overcommit_memory=%s", word);
    struct rlimit r;
    getrlimit(RLIMIT_AS, &r);
    if (r.rlim_cur == RLIM_INFINITY)
        line(OK, "address space", "unlimited");
    else
        line(NOTE, "address space",
             "limited to %llu MiB (ulimit -v); stacks and shadow memory need more",
             (unsigned long long)r.rlim_cur >> 20);
    getrlimit(RLIMIT_NPROC, &r);
    if (r.rlim_cur == RLIM_INFINITY)
        line(OK, "threads", "unlimited");
    else
        line(r.rlim_cur < 256 ? NOTE : OK, "threads", "%llu (ulimit -u)",
             (unsigned long long)r.rlim_cur);
}

int cmd_doctor(int argc, char **argv)
{
    if (argc > 1)
        return cmd_wrong_use(argv[0], "%s is too much; doctor takes no arguments", argv[1]);
    struct utsname u;
    uname(&u);
    printf("goshawk %s on %s %s %s, %ld processors\n", FLAGS_VERSION, u.sysname, u.release,
           u.machine, sysconf(_SC_NPROCESSORS_ONLN));
    puts("to build programs");
    compilers();
    libraries();
    try_programs();
    puts("the machine");
    clock_source();
    guards();
    membarrier();
    limits();
    puts("other tools");
    program("go", "version", "to open exported traces: go tool trace");
    program("chromium", "--version", "a browser, to open the page of goshawk trace view");
    program("qemu-aarch64", "--version", "for the project's own test of the aarch64 switch");
    program("aarch64-linux-gnu-gcc", "--version", "for the same test");
    if (essential_missing)
        puts("programs cannot be built and run until what is missing above is there");
    return essential_missing ? CMD_FAILED : CMD_OK;
}
