/* GOSHAWK_SEED: one processor, the same schedule for the same seed, and time that jumps when all
 * sleep: an hour passes at once. */
// procs: unset
// timeout: 30
// env: GOSHAWK_SEED=417
// case: procs
// stdout: 1
// case: hour
// stdout: an hour or more
// case: self
// stdout: two runs agree, and other seeds differ
#include "expect.h"

#include <stdint.h>

static _Atomic uint64_t hash = 14695981039346656037u;
static go_waitgroup wg;

/* Atomic for the race build only: one processor, and no switch in between. */
static void note(uint64_t v)
{
    hash = (hash ^ v) * 1099511628211u;
}

static void wander(int id, go_chan(int) a, go_chan(int) b)
{
    for (int i = 0; i < 50; i++) {
        int v;
        note((uint64_t)(id * 1000 + i));
        switch (go_select(go_recv_case(a, &v), go_recv_case(b, &v), go_send_case(a, id),
                          go_send_case(b, id), go_default)) {
        case 0:
        case 1:
            note((uint64_t)v);
            break;
        case GO_DEFAULT:
            go_yield();
            break;
        }
        if (i % 10 == 0)
            go_sleep(id * GO_MICROSECOND);
    }
    go_waitgroup_done(&wg);
}

static void print_hash(void)
{
    go_chan(int) a = go_chan_make(int, 2), b = go_chan_make(int, 2);
    go_waitgroup_add(&wg, 8);
    for (int i = 0; i < 8; i++)
        go(wander, i, a, b);
    go_waitgroup_wait(&wg);
    printf("%016llx\n", (unsigned long long)hash);
}

/* The hash that this program prints under a seed. */
static void run_with(const char *program, int seed, char *ret, int size)
{
    char command[4096];
    const char *emulator = getenv("MESON_EXE_WRAPPER");
    snprintf(command, sizeof command, "GOSHAWK_SEED=%d %s '%s' hash", seed,
             emulator ? emulator : "", program);
    FILE *p = popen(command, "r");
    EXPECT(p && fgets(ret, size, p));
    EXPECT(pclose(p) == 0);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (!strcmp(argv[1], "procs"))
        printf("%d\n", go_maxprocs(0));
    if (!strcmp(argv[1], "hour")) {
        go_time start = go_now();
        go_sleep(GO_HOUR);
        puts(go_since(start) >= GO_HOUR ? "an hour or more" : "less than an hour");
    }
    if (!strcmp(argv[1], "hash"))
        print_hash();
    if (!strcmp(argv[1], "self")) {
        char first[32], again[32], other[32];
        bool differs = false;
        for (int seed = 0; seed < 5; seed++) {
            run_with(argv[0], seed, first, sizeof first);
            run_with(argv[0], seed, again, sizeof again);
            EXPECT(!strcmp(first, again));
            run_with(argv[0], seed + 100, other, sizeof other);
            differs |= strcmp(first, other) != 0;
        }
        EXPECT(differs);
        puts("two runs agree, and other seeds differ");
    }
    return 0;
}
