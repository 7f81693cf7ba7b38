/* waitlist.h - parked goroutines in the order of their coming, for objects that keep the list in
 * themselves, under a lock of their own (cond, sem). */
#ifndef RT_WAITLIST_H
#define RT_WAITLIST_H

#include <stddef.h>
#include "atomic.h"
#include "scheduler.h"

struct wait_node {
    struct wait_node *next;
    struct g *g;
    int64_t n; /* the object's own: what it waits for */
};

/* relaxed: who reads it without the lock only wants to know whether anybody waits */
static inline void waitlist_set_head(void **head, struct wait_node *w)
{
    at_store_rlx(head, (void *)w); /* relaxed: see above */
}

static inline void waitlist_push(void **head, void **tail, struct wait_node *w)
{
    w->next = NULL;
    if (*head)
        ((struct wait_node *)*tail)->next = w;
    else
        waitlist_set_head(head, w);
    *tail = w;
}

/* Requires: the list is not empty. */
static inline struct wait_node *waitlist_pop(void **head, void **tail)
{
    struct wait_node *w = *head;
    waitlist_set_head(head, w->next);
    if (!w->next)
        *tail = NULL;
    return w;
}

/* Readies all from w on; each is gone once its goroutine runs. */
static inline void waitlist_ready(struct wait_node *w, struct g *by)
{
    for (struct wait_node *next; w; w = next) {
        next = w->next;
        rt_ready(w->g, by);
    }
}

#endif
