/* go_trace.h - the bytes of Go's execution trace, version 1 (header "go 1.19 trace").
 *
 * The file is a set of batches per P; an event is a byte of type and argument count and then LEB128
 * numbers, the first of them the time since the event before in the batch.  Times are nanoseconds
 * and strictly increase over the whole file.  Each P's events are collected and written as a batch
 * when there are enough of them; strings and stacks stand in the batch that uses them first. */
#ifndef GO_TRACE_H
#define GO_TRACE_H

#include "idmap.h"
#include "out.h"
#include "reader.h"

enum go_event {
    EV_BATCH = 1,
    EV_FREQUENCY = 2,
    EV_STACK = 3,
    EV_GOMAXPROCS = 4,
    EV_PROC_START = 5,
    EV_PROC_STOP = 6,
    EV_GO_CREATE = 13,
    EV_GO_START = 14,
    EV_GO_END = 15,
    EV_GO_STOP = 16,
    EV_GO_SCHED = 17,
    EV_GO_SLEEP = 19,
    EV_GO_UNBLOCK = 21,
    EV_GO_BLOCK_SEND = 22,
    EV_GO_BLOCK_RECV = 23,
    EV_GO_BLOCK_SELECT = 24,
    EV_GO_BLOCK_SYNC = 25,
    EV_GO_BLOCK_COND = 26,
    EV_GO_BLOCK_NET = 27,
    EV_GO_SYSCALL = 28,
    EV_GO_SYSEXIT = 29,
    EV_GO_SYSBLOCK = 30,
    EV_GO_WAITING = 31,
    EV_GO_IN_SYSCALL = 32,
    EV_STRING = 37,
    EV_USER_TASK_CREATE = 45,
    EV_USER_TASK_END = 46,
    EV_USER_REGION = 47,
    EV_USER_LOG = 48,
};

struct go_batch; /* of one P */

struct go_trace {
    struct tr_reader *r;
    struct out *out;
    uint64_t time;            /* of the last event */
    struct go_batch *batches; /* by P + 1; 0: of no P */
    size_t batch_count;
    struct idmap functions, strings, stacks;
};

/* Writes what stands before all events. */
void go_trace_begin(struct go_trace *x, struct tr_reader *r, struct out *out);

/* Events that follow are not before time. */
static inline void go_trace_at(struct go_trace *x, int64_t time)
{
    if ((uint64_t)time > x->time)
        x->time = (uint64_t)time;
}

/* Appends an event with its time and n arguments to p's batch; TR_NO_P: no P's. */
void go_trace_event(struct go_trace *x, int32_t p, enum go_event type, unsigned n,
                    const uint64_t *args);
#define GO_EVENT(x, p, type, ...)                                                    \
    go_trace_event(x, p, type, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), \
                   (const uint64_t[]){__VA_ARGS__})
#define GO_EVENT0(x, p, type) go_trace_event(x, p, type, 0, NULL)

/* A log's text stands behind its event. */
void go_trace_text(struct go_trace *x, int32_t p, const char *text);

/* Numbers of strings and stacks, which are defined in p's batch if they have not been. */
uint64_t go_trace_string(struct go_trace *x, int32_t p, const char *s);
uint64_t go_trace_stack(struct go_trace *x, int32_t p, uint32_t stack); /* 0: none */

/* The stack with which a goroutine begins: one frame, or Go's page breaks. */
uint64_t go_trace_start_stack(struct go_trace *x, int32_t p, uint64_t fn);

/* Writes the rest and frees what x holds. */
void go_trace_end(struct go_trace *x);

#endif
