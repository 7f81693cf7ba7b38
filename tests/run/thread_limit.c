/* A goroutine that blocks its thread costs a thread; ten thousand of them are more than a sane
 * program has, and it ends with a clear word, as in Go, before the machine does. */
// only: plain
// procs: 2
// timeout: 120
// case: too-many
// exit: 2
// stderr: fatal error: thread exhaustion: program exceeds 10000-thread limit
// case: many
// stdout: 500 were blocked at once, and their threads were used again
#include "expect.h"

#include <dirent.h>
#include <stdatomic.h>

static int fd[2];
static atomic_int blocked;

static void block(go_waitgroup *wg)
{
    char c;
    go_blocking_begin();
    atomic_fetch_add(&blocked, 1);
    EXPECT(read(fd[0], &c, 1) == 1);
    go_blocking_end();
    go_waitgroup_done(wg);
}

static int threads(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    EXPECT(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void block_many(int n)
{
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, n);
    atomic_store(&blocked, 0);
    for (int i = 0; i < n; i++)
        go(block, &wg);
    while (atomic_load(&blocked) < n)
        go_yield();
    for (int i = 0; i < n; i++)
        EXPECT(write(fd[1], "x", 1) == 1);
    go_waitgroup_wait(&wg);
}

int go_main(int argc, char **argv)
{
    EXPECT(argc == 2 && pipe(fd) == 0);
    go_set_stack_size(16 << 10);
    if (!strcmp(argv[1], "too-many")) {
        if (emulated()) {
            puts("ten thousand threads of an emulator need more than a process gets");
            return 77;
        }
        block_many(20000);
        return 0;
    }
    block_many(500);
    int before = threads();
    EXPECT(before > 500);
    for (int i = 0; i < 3; i++)
        block_many(500);
    EXPECT(threads() <= before + 50);
    puts("500 were blocked at once, and their threads were used again");
    return 0;
}
