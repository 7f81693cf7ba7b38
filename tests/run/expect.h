/* expect.h - for programs of tests/run: EXPECT(x) ends the program with status 1 unless x holds. */
#ifndef TESTS_RUN_EXPECT_H
#define TESTS_RUN_EXPECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../quiet.h"
#include <sys/mman.h>
#include <unistd.h>

#define EXPECT(x) ((x) ? (void)0 : expect_failed(__FILE__, __LINE__, #x))

static inline void expect_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    fflush(NULL);
    _Exit(1);
}

/* An emulator of user mode passes advice on unseen; a kernel refuses one that does not exist. */
static inline bool emulated(void)
{
    return madvise(NULL, 0, 12345) == 0;
}

/* Starts this program again in its own place, with these arguments; argv[0] is its path.  Where an
 * emulator runs it, that has to be started: the kernel does not know such programs. */
static inline void start_again(char **argv)
{
    char *word[16], *emulator = getenv("MESON_EXE_WRAPPER");
    size_t n = 0;
    emulator = emulator ? strdup(emulator) : NULL;
    for (char *w = emulator ? strtok(emulator, " ") : NULL; w && n < 8; w = strtok(NULL, " "))
        word[n++] = w;
    while (*argv && n < 15)
        word[n++] = *argv++;
    word[n] = NULL;
    execvp(word[0], word);
    EXPECT(!"started again");
}

/* Waits until no other goroutine can run: each waits for something, or has ended. */
static inline void await_quiet(void)
{
    EXPECT(wait_for_quiet());
}

/* Waits until go_dump() shows the text: until another goroutine has come to where it waits. */
static inline void await_in_dump(const char *text)
{
    for (bool there = false; !there; go_yield()) {
        static char dump[1 << 16];
        int fd = memfd_create("dump", 0);
        EXPECT(fd >= 0);
        go_dump(fd);
        ssize_t n = pread(fd, dump, sizeof dump - 1, 0);
        EXPECT(n > 0);
        dump[n] = 0;
        there = strstr(dump, text) != NULL;
        close(fd);
    }
}

#endif
