/* random.c - random concurrent programs, and whether the detector says what the oracle says.
 *
 *     random_programs [--programs N] [--seed FIRST] [--show]
 *
 * Each seed is a program (make.c).  It is executed with the real library, and the races that the
 * detector's engine finds in it, pair by pair and byte by byte, before equal ones are left out, are
 * compared with the definition (oracle.c):
 *   - a pair that it names must be a race, with all the bytes that it names;
 *   - a byte for which there is a race must be named.
 * The engine's race_found() is taken over by the linker (--wrap). */
#include <goshawk.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cell.h"
#include "futex.h"
#include "lockset.h"
#include "program.h"
#include "race.h"
#include "report.h"

void __tsan_init(void);

enum { SAID_MAX = 1 << 14, PROGRAM_SECONDS = 20 };

/* A race that the engine has found: bytes of the word at addr. */
static struct said {
    int now, before; /* operations, or -1 */
    uintptr_t addr;
    unsigned bytes;
    uint64_t site_now, site_before;
} said[SAID_MAX];
static unsigned n_said;
static struct rt_lock said_lock; /* guards both */

extern char __executable_start;
static struct program program;
static struct order sure, perhaps;
static unsigned char named[REGIONS][BLOCK_BYTES];
static unsigned long n_races, n_bytes, n_racy, n_ops;

/* The operation in whose made-up function the access was made. */
static int op_of(uint64_t site)
{
    uintptr_t pc[16];
    size_t n = rc_stack_of(lockset_strip(site & ~SITE_FREE), pc, 16, NULL);
    for (size_t i = 0; i < n && i < 16; i++)
        if (pc[i] - RUN_PC < OPS)
            return (int)(pc[i] - RUN_PC);
    return -1;
}

static void say(struct said s)
{
    rt_lock(&said_lock);
    if (n_said < SAID_MAX)
        said[n_said++] = s;
    rt_unlock(&said_lock);
}

void __wrap_race_found(const struct access *a, uintptr_t addr, const struct found *found);
void __wrap_race_found(const struct access *a, uintptr_t addr, const struct found *found)
{
    unsigned left = found->bytes;
    for (unsigned i = 0; i < found->n; i++) {
        unsigned bytes = w_touched(a->masks) & w_touched(found->e[i].w);
        bool use = (found->e[i].site & SITE_FREE) && rc_ordered(a->c, found->e[i].w);
        if (!use) /* after free, in order, which is no race */
            say((struct said){op_of(a->site), op_of(found->e[i].site), addr, bytes, a->site,
                              found->e[i].site});
        left &= ~bytes;
    }
    if (left != 0)
        abort();
}

void __wrap_race_circle(struct rc_circle *circle);
void __wrap_race_circle(struct rc_circle *circle)
{
    (void)circle; /* of locks: the programs take them in any order */
}

/* A block that the program has freed was given out again, to libc or the runtime: what it was used
 * for is forgotten, as it should be. */
static unsigned char given_again[REGIONS];

static void note_given(const void *p, size_t n)
{
    for (int b = 0; b < 2; b++)
        if (run_is_freed((uintptr_t)p, n, b))
            __atomic_store_n(&given_again[R_BLOCK + b], 1, __ATOMIC_RELAXED);
}

#define NOTE_GIVEN(name)                        \
    void __real_##name(const void *p, size_t);  \
    void __wrap_##name(const void *p, size_t);  \
    void __wrap_##name(const void *p, size_t n) \
    {                                           \
        note_given(p, n);                       \
        __real_##name(p, n);                    \
    }
NOTE_GIVEN(rc_mem_fresh)
NOTE_GIVEN(rc_forget)

void random_fail(const char *what)
{
    program_print(&program, stdout);
    printf("FAIL %s\nreplay: random_programs --programs 1 --seed %lu (GOMAXPROCS as it was)\n",
           what, (unsigned long)program.seed);
    fflush(stdout);
    _exit(1);
}

static bool is_within(struct bytes row, int region, int off)
{
    return row.region == region && off >= row.from && off < row.to;
}

/* For whoever looks at a failure: addresses as addr2line wants them. */
static void print_stack(uint64_t site)
{
    uintptr_t pc[16];
    size_t n = rc_stack_of(lockset_strip(site & ~SITE_FREE), pc, 16, NULL);
    printf("%s", site & SITE_FREE ? "free:" : "access:");
    for (size_t i = 0; i < n && i < 16; i++)
        printf(" %#lx", (unsigned long)(pc[i] - (uintptr_t)&__executable_start));
    printf("\n");
}

/* All that was said is a race. */
static void check_said(const struct said *s)
{
    struct bytes row[2];
    char text[160];
    for (int b = 0; b < 8; b++) {
        int region = -1, off = -1;
        if (!(s->bytes >> b & 1))
            continue;
        bool known = run_names(s->addr + (unsigned)b, &region, &off);
        int n = known && s->now >= 0 && s->before >= 0
                    ? oracle_races(&program, &sure, s->now, s->before, row)
                    : 0;
        bool race = false;
        for (int i = 0; i < n; i++)
            race |= is_within(row[i], region, off);
        if (!race) {
            snprintf(text, sizeof text, "false: %d with %d, region %d byte %d (address %#lx)",
                     s->now, s->before, region, off, (unsigned long)s->addr + (unsigned)b);
            print_stack(s->site_now);
            print_stack(s->site_before);
            random_fail(text);
        }
        named[region][off] = 1;
    }
}

/* All races of a and b were said. */
static void check_pair(int a, int b)
{
    struct bytes row[2];
    char text[120];
    int n = oracle_races(&program, &perhaps, a, b, row);
    n_races += n > 0;
    for (int i = 0; i < n; i++)
        for (int off = row[i].from; off < row[i].to && !given_again[row[i].region]; off++)
            if (!named[row[i].region][off]) {
                snprintf(text, sizeof text, "missed: %d with %d, region %d byte %d", a, b,
                         row[i].region, off);
                random_fail(text);
            }
}

static void check(void)
{
    unsigned long before = n_races;
    oracle_order(&program, SURE, &sure);
    oracle_order(&program, SURE | PERHAPS, &perhaps);
    memset(named, 0, sizeof named);
    if (n_said == SAID_MAX)
        random_fail("too many reports");
    for (unsigned i = 0; i < n_said; i++)
        check_said(&said[i]);
    for (int a = 0; a < program.n_ops; a++)
        for (int b = a + 1; b < program.n_ops; b++)
            check_pair(a, b);
    n_racy += n_races > before;
    for (int r = 0; r < REGIONS; r++)
        for (int i = 0; i < BLOCK_BYTES; i++)
            n_bytes += named[r][i];
}

static void hangs(int sig)
{
    (void)sig;
    for (int i = 0; i < program.n_ops; i++)
        if (!run_has_ended(i))
            printf("%d has %s\n", i, run_has_begun(i) ? "begun" : "not begun");
    random_fail("hangs");
}

static void one(uint64_t seed)
{
    program_make(&program, seed);
    n_said = 0;
    memset(given_again, 0, sizeof given_again);
    alarm(PROGRAM_SECONDS);
    run_program(&program);
    check();
    run_forget();
    if (n_said > 0 && said[n_said - 1].before < 0)
        random_fail("a report about no operation");
    n_ops += (unsigned)program.n_ops;
}

int go_main(int argc, char **argv)
{
    unsigned long programs = 2000, first = 1;
    bool show = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--programs") == 0 && i + 1 < argc)
            programs = strtoul(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            first = strtoul(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--show") == 0)
            show = true;
        else
            return 3;
    }
    signal(SIGALRM, hangs);
    __tsan_init(); /* as the constructor of instrumented code does */
    for (uint64_t seed = first; seed < first + programs; seed++) {
        if (show) {
            program_make(&program, seed);
            program_print(&program, stdout);
        }
        go_maxprocs(1 + (int)(seed / 64 % 4));
        one(seed);
    }
    printf("%lu programs, %lu operations: %lu programs with races, %lu pairs, %lu bytes; "
           "no disagreement\n",
           programs, n_ops, n_racy, n_races, n_bytes);
    return 0;
}
