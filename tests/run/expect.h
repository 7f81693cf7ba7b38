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
