/* What GORACE changes about reports, and the program's own callback. */
// only: race
// exit: 66
// case: callback
// env: GORACE=atexit_sleep_ms=0
// stdout: told 3
// stderr: WARNING: DATA RACE
// stderr: Found 3 data race\(s\)
// case: callback
// env: GORACE=atexit_sleep_ms=0 max_reports=1
// stdout: told 3
// stderr: WARNING: DATA RACE
// stderr: No more than 1 reports are printed: GORACE=max_reports
// stderr: Found 3 data race\(s\)
// case: callback
// env: GORACE=atexit_sleep_ms=0 color=always
// stdout: told 3
// stderr: .\[1;31mWARNING: DATA RACE.\[0m
// case: callback
// env: GORACE=atexit_sleep_ms=0 color=auto
// env: TERM=xterm
// stdout: told 3
// stderr: WARNING: DATA RACE
// stderr-not: .*\[1;31m.*
// case: callback
// env: GORACE=atexit_sleep_ms=0 max_frames=1
// stdout: told 3
// stderr:   \(and \d+ more\)
// case: callback
// env: GORACE=atexit_sleep_ms=0 halt_on_error=1
// stdout: before the first
// stderr: Found 1 data race\(s\)
// case: suppressions race:races_on_first
// stdout: told 2
// stderr: Found 2 data race\(s\)
// stderr: Suppressed 1 report\(s\)
// stderr: Suppressions, and how many reports each kept back:
// stderr:  +1 race:races_on_first
// stderr:  +0 race_top:\^nothing\$
// case: suppressions race:*_on_*
// exit: 0
// stdout: told 0
// stderr:  +3 race:\*_on_\*
// case: suppressions race_top:races_on_second
// stdout: told 3
// stderr:  +0 race_top:races_on_second
// case: suppressions race_top:^write_to$
// exit: 0
// stdout: told 0
// stderr:  +3 race_top:\^write_to\$
// case: suppressions race:^second$
// stdout: told 2
// stderr:  +1 race:\^second\$
// case: suppressions race:race_options.c
// exit: 0
// stdout: told 0
// stderr:  +3 race:race_options.c
#include "expect.h"
#include <goshawk/race.h>
#include <stdatomic.h>

#define FRAME static __attribute__((noinline))

int first, second, third;
static atomic_int step;
static int told;

static void step_to(int n)
{
    go_race_disable();
    while (atomic_load(&step) != n - 1)
        go_yield();
    atomic_store(&step, n);
    go_race_enable();
}

FRAME void write_to(int *p)
{
    *p = 1;
    __asm__ volatile("" ::: "memory");
}

FRAME void races_on_first(void)
{
    write_to(&first);
    __asm__ volatile("" ::: "memory");
}

FRAME void races_on_second(void)
{
    write_to(&second);
    __asm__ volatile("" ::: "memory");
}

FRAME void races_on_third(void)
{
    write_to(&third);
    __asm__ volatile("" ::: "memory");
}

static void other(void)
{
    races_on_first();
    races_on_second();
    races_on_third();
    step_to(1);
}

static void count(const go_race_report *r, void *arg)
{
    int *n = arg;
    EXPECT(r->number == *n + 1 && strcmp(r->kind, "race") == 0);
    EXPECT(strlen(r->fingerprint) == 16 && strstr(r->text, "WARNING: DATA RACE"));
    ++*n;
    EXPECT(go_race_errors() == *n);
}

static void print_told(void)
{
    printf("told %d\n", told);
}

/* Starts again with this suppression; the file stays open over exec. */
static void suppressed(char **argv)
{
    char options[128];
    int fd = memfd_create("suppressions", 0);
    EXPECT(fd >= 0);
    EXPECT(dprintf(fd, "# not wanted\n\n  %s  \nrace_top:^nothing$\n", argv[2]) > 0);
    snprintf(options, sizeof options,
             "atexit_sleep_ms=0 print_suppressions=1 suppressions=/proc/self/fd/%d", fd);
    setenv("GORACE", options, 1);
    start_again((char *[]){argv[0], "callback", NULL});
}

int go_main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "suppressions") == 0)
        suppressed(argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(print_told);
    go_race_on_report(count, &told);
    go(other);
    step_to(2);
    if (strstr(getenv("GORACE"), "halt_on_error"))
        printf("before the first\n");
    races_on_first();
    races_on_second();
    races_on_third();
    go_race_on_report(NULL, NULL);
    return 0;
}
