/* When there is no memory for the detector's own records it says so in one line and ends. */
// only: race
// procs: 2
// exit: 2
// stderr: goshawk: race detector: cannot get [0-9]+ bytes of memory
#include "expect.h"

#include <goshawk/race.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Address space that the process uses. */
static unsigned long bytes_used(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    EXPECT(f != NULL && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    return pages * 4096;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    unsigned long most = bytes_used() + (1ul << 30);
    struct rlimit limit = {most, most};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
    void *all = mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all != MAP_FAILED) {
        puts("an emulator sets no limits");
        return 77;
    }
    /* Each lies in another region, which gets a shadow; nothing is there. */
    for (uintptr_t i = 1; i < 1024; i++)
        go_race_write((void *)(i << 32), 8);
    puts("a thousand shadows in 1 GiB");
    return 0;
}
