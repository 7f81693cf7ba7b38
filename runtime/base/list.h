/* list.h - intrusive doubly linked ring.
 *
 * A list head is a node that belongs to no element.  An element's node that is on no list has
 * next == NULL (list_node_init), so list_linked() is exact and unlinking twice is caught. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include "check.h"

struct list {
    struct list *next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* for (each node n of the ring) */
#define list_for_each(n, head) for (struct list *n = (head)->next; n != (head); n = n->next)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline void list_node_init(struct list *n)
{
    n->next = n->prev = NULL;
}

static inline bool list_linked(const struct list *n)
{
    return n->next != NULL;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Links n before pos; with the head as pos, n becomes the last element. */
static inline void list_insert(struct list *pos, struct list *n)
{
    rt_assert(!list_linked(n));
    n->prev = pos->prev;
    n->next = pos;
    pos->prev->next = n;
    pos->prev = n;
}

static inline void list_push_back(struct list *head, struct list *n)
{
    list_insert(head, n);
}

static inline void list_push_front(struct list *head, struct list *n)
{
    list_insert(head->next, n);
}

static inline void list_remove(struct list *n)
{
    rt_assert(list_linked(n));
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_node_init(n);
}

/* Unlinks and returns the first node, or NULL. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *n = head->next;
    if (n == head)
        return NULL;
    list_remove(n);
    return n;
}

#endif
