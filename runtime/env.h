/* env.h - settings from the environment, read once before the first goroutine. */
#ifndef RT_ENV_H
#define RT_ENV_H

#include <stdbool.h>
#include <stdint.h>

enum traceback {
    TRACEBACK_NONE,
    TRACEBACK_SINGLE,
    TRACEBACK_ALL,
    TRACEBACK_SYSTEM,
    TRACEBACK_CRASH
};

struct env {
    uint32_t maxprocs;        /* GOMAXPROCS; 0: not set */
    enum traceback traceback; /* GOTRACEBACK; default single */
    bool seeded;              /* GOSHAWK_SEED is set */
    uint64_t seed;
    uint64_t stack_bytes;    /* GOSHAWK_STACK; 0: not set */
    uint64_t flight_bytes;   /* GOSHAWK_FLIGHT; 0: not set */
    const char *flight_file; /* GOSHAWK_FLIGHT_FILE, or NULL */
    uint32_t schedtrace_ms;  /* GOSHAWK_DEBUG=schedtrace=N: a line of numbers every N ms; 0: none */
    bool migrate;            /* GOSHAWK_DEBUG=migrate: every goroutine made ready goes to the global
                               * queue, and every second time it would run on the same thread again
                               * it is handed to another one; not under a seed */
    bool preempt; /* GOSHAWK_DEBUG=preempt: synchronising calls let others run first now and
                               * then (point.c) */
};

/* R/o after env_read(). */
extern struct env env;

/* A value that cannot be used is named on stderr, with what would do, and ignored. */
void env_read(void);

/* The settings that make the same schedule again, for the line "Reproduce: "; NULL: none do. */
const char *env_reproduce(void);

/* Parses "123", "64k", "8M", "1G"; false when s is something else or too large. */
bool env_parse_size(const char *s, uint64_t *ret_bytes);

#endif
