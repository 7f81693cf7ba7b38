/* poller.h - waiting for descriptors: the program's one epoll instance.
 *
 * Nothing of it exists until a goroutine first has to wait for a descriptor (poller_start()); until
 * then every function here is one load and one branch.  What an event means for goroutines is
 * fd.c's matter. */
#ifndef RT_POLLER_H
#define RT_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include "atomic.h"
#include "check.h"

struct m;

/* Read relaxed; written by poller.c alone. */
struct poller_state {
    uint32_t started;  /* 1: the epoll instance exists; release/acquire [poller-start] */
    uint32_t waiting;  /* goroutines that wait for descriptors */
    struct m *holder;  /* the M that blocks in epoll_wait, or has events not delivered [poller] */
    struct m *blocked; /* the M that blocks there now [break] */
    uint64_t looked;   /* clock_ticks() of the last look */
    uint64_t looked_idly; /* and of the last by an M that had no goroutine to run */
};
extern struct poller_state poller_state;

/* Some goroutine waits for a descriptor: nothing is deadlocked. */
static inline bool poller_waiting(void)
{
    /* relaxed: counted by the goroutine itself, before it parks and when it runs again */
    return unlikely(at_load_rlx(&poller_state.waiting) != 0);
}

/* Goroutines wait, and no M blocks in epoll_wait for them. */
static inline bool poller_unwatched(void)
{
    return poller_waiting() && !at_load_rlx(&poller_state.blocked); /* relaxed: a guess */
}

/* ---- for who waits (fd.c) ---- */

/* Makes the epoll instance unless it is there; 0 or -errno.  pwait2: false as if the kernel had no
 * epoll_pwait2, for tests. */
int poller_start(bool pwait2);

/* Registers fd, edge-triggered, for everything; events name it by seq.  0 or -errno: -EEXIST when
 * this very file is registered under this number, -EPERM when it cannot be. */
int poller_add(int fd, uint32_t seq);

/* Ends fd's registration, if there is one. */
void poller_remove(int fd);

/* A goroutine begins (n = 1) or ceases (n = -1) to wait. */
void poller_count(int n);

/* ---- for the scheduler ---- */

/* Looks without blocking, on whatever thread; true when it made a goroutine runnable. */
bool poller_now(void);

/* The same for an M that has a P and no goroutine to run. */
bool poller_now_idly(void);

/* True when Ms that hold Ps look for events themselves whenever they have nothing to run, as they
 * did a moment ago: one that blocks for events would take theirs away, at the price of two thread
 * switches each. */
bool poller_left_to_others(void);

/* True when goroutines wait, no M blocks for them, and nobody has looked for so many ticks of
 * clock_ticks() up to now. */
bool poller_is_due(uint64_t now, uint64_t ticks);

enum poller_block {
    POLLER_TAKEN,   /* another M is the poller, or there is none: sleep otherwise */
    POLLER_NOTHING, /* time is up, or posted, or for no reason */
    POLLER_EVENTS,  /* m holds events, and must call poller_deliver() */
};

/* m, which holds no P and is about to sleep, becomes the poller: blocks until an event, until
 * m->park_word is set and poller_break() is called, or for timeout_ns (< 0: no limit). */
enum poller_block poller_block(struct m *m, int64_t timeout_ns);

/* Readies the goroutines that the events held by m are for; does nothing if it holds none. */
void poller_deliver(struct m *m);

/* m holds events. */
static inline bool poller_holds(const struct m *m)
{
    return unlikely(at_load_rlx(&poller_state.holder) == m); /* relaxed: m's own doing */
}

/* m's park_word has been set: wakes m if it blocks in the poller; false if it does not. */
bool poller_break(const struct m *m);

#endif
