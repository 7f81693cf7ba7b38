/* The memory of goroutines that have ended goes back to the system in some seconds: to within a
 * tenth of what the program had before.  Stacks that are in use stay as they are. */
// only: plain
// procs: 4
// case: all-end
// procs: 1,4
// stdout: 100000 have ended
// stdout: memory is back
// case: some-stay
// stdout: 100000 have ended
// stdout: memory is back
// case: never-ran-together
// stdout: 100000 have ended
// stdout: memory is back
#include <goshawk/metrics.h>
#include "expect.h"

enum {
    N = 100000,
    SECONDS = 10 /* without progress: the last few wait two periods of 1.5 s, or three (arena.c) */
};

static go_waitgroup arrived, ended;

/* Counted page by page; /proc/self/statm is wrong by up to 32 pages for each CPU.  key "Rss:" is
 * all, "Anonymous:" without the program's and its libraries' files. */
static long kib_of(const char *key)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    EXPECT(f);
    while (fgets(line, sizeof line, f) && kib < 0)
        if (strncmp(line, key, strlen(key)) == 0)
            kib = atol(line + strlen(key));
    fclose(f);
    EXPECT(kib > 0);
    return kib;
}

static void parks(go_chan(int) c)
{
    volatile char page[8192];
    page[0] = page[4096] = page[8191] = 1;
    go_waitgroup_done(&arrived);
    go_chan_recv(c);
    EXPECT(page[0] == 1 && page[8191] == 1);
    go_waitgroup_done(&ended);
}

static void runs(void)
{
    go_waitgroup_done(&ended);
}

static void park_them(int n, go_chan(int) c)
{
    go_waitgroup_add(&arrived, n);
    go_waitgroup_add(&ended, n);
    for (int i = 0; i < n; i++)
        go(parks, c);
    go_waitgroup_wait(&arrived);
}

static void run_them(int n)
{
    go_waitgroup_add(&ended, n);
    for (int i = 0; i < n; i++)
        go(runs);
    go_waitgroup_wait(&ended);
}

/* What threads that have come since the program began have for themselves: how many come is the
 * machine's business. */
static long of_threads(void)
{
    struct go_metrics m = {.size = sizeof m};
    EXPECT(go_metrics_read(&m) == 0);
    return 40L * m.m_total;
}

/* Sleeps, as a program at rest does.  How long it takes is the machine's business, as long as it
 * goes on. */
static void expect_memory_back(long before, long enough)
{
    long peak = kib_of("Anonymous:"), least = peak;
    for (go_time fell = go_now(); go_since(fell) < SECONDS * GO_SECOND;) {
        go_sleep(100 * GO_MILLISECOND);
        long now = kib_of("Anonymous:");
        if (now <= enough + of_threads()) {
            puts("memory is back");
            return;
        }
        if (now < least)
            fell = go_now();
        least = now < least ? now : least;
    }
    printf("%ld KiB before, %ld at the end, %ld now\n", before, peak, least);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2);
    if (emulated()) {
        puts("the memory of the process is the emulator's too, which keeps tables of all pages");
        return 77;
    }
    go_chan(int) stay = go_chan_make(int, 0), c = go_chan_make(int, 0);
    park_them(1, c);
    go_chan_send(c, 1);
    go_waitgroup_wait(&ended);
    long before = kib_of("Anonymous:"), tenth = kib_of("Rss:") / 10;
    int some = strcmp(argv[1], "some-stay") ? 0 : 20; /* that stay */
    if (!strcmp(argv[1], "never-ran-together")) {
        run_them(N);
    } else {
        for (int i = 0; i < some; i++) {
            park_them(1, stay);
            park_them(N / some, c);
        }
        if (some == 0)
            park_them(N, c);
        EXPECT(kib_of("Anonymous:") > before + N * 8);
        go_waitgroup_add(&ended, -some);
        go_chan_close(c);
        go_waitgroup_wait(&ended);
        go_waitgroup_add(&ended, some);
    }
    printf("%d have ended\n", N);
    expect_memory_back(before, before + tenth + some * 16); /* four pages of each stack in use */
    go_chan_close(stay);
    go_waitgroup_wait(&ended);
    return 0;
}
