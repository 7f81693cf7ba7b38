/* trace_export_perfetto.c - Perfetto's protobuf trace, for ui.perfetto.dev and trace_processor.
 *
 * Scheduling is told as Linux's scheduler would tell it: a P is a CPU, a goroutine a thread of one
 * process, so that Perfetto's own lanes of CPUs and thread states, its wake-up latencies, waker
 * links and critical path serve goroutines.  sched_switch leads from a goroutine to idle (pid 0)
 * and from idle to the next one; sched_waking is a creation or a ready, from who did it.
 *
 * On the track of each goroutine stand slices: what it waited for, with object and place, and its
 * regions, which nest with the waits.  A flow leads from the instant at which a goroutine made
 * another one ready to the end of that one's wait.  Tasks have tracks of their own.
 *
 * Times are nanoseconds of the recording, made strictly increasing, since Perfetto sorts by time
 * all that comes from several packets.  Events of a CPU are collected to bundles. */
#include <stdlib.h>
#include "access.h"
#include "cmd.h"
#include "gmap.h"
#include "idmap.h"
#include "perfetto.h"
#include "proto.h"
#include "stacks.h"
#include "trace_export.h"

enum { SLICE_BEGIN = 1, SLICE_END = 2, INSTANT = 3 };
enum { STATE_CLEARED = 1, NEEDS_STATE = 2 };
enum { CLOCK_REAL = 1, CLOCK_BOOT = 6 }; /* of Perfetto; ftrace and tracks are in the second */

/* What a goroutine that leaves a CPU does, as Linux names it. */
enum task_state { TASK_RUNNABLE = 0, TASK_SLEEPS = 1, TASK_IN_SYSCALL = 2, TASK_DEAD = 16 };

enum {
    SEQUENCE = 1,
    PROCESS = 1, /* G1 is its main thread */
    PRIORITY = 120,
    BUNDLE_FULL = 32768,
    RECENT = 251, /* names */
};

#define PROCESS_TRACK 1ull
#define TRACK_OF_G    (1ull << 56)
#define TRACK_OF_TASK (2ull << 56)

/* Slices open on a goroutine's track. */
#define IN_WAIT (1ull << 32) /* one of them is a wait; the rest counts regions */

struct cpu {
    struct proto bundle;
    uint64_t g; /* runs; 0 none */
};

/* Texts that events refer to by number.  They are the reader's or ours, and stay where they are, so
 * that a text is mostly known by its address. */
struct names {
    struct idmap ids;
    struct recent_name {
        const char *text;
        uint64_t id;
    } recent[RECENT];
};

struct perfetto {
    struct tr_reader *r;
    struct out *out;
    struct stack_places places;
    uint64_t time; /* of the last packet or event */
    uint64_t flows;
    struct cpu *cpus;
    size_t cpu_count;
    struct proto packet, interned;
    struct names event_names, annotation_names;
    struct gmap open;  /* slices on the track of each goroutine that has some */
    struct gmap tasks; /* begun */
};

static uint64_t next_time(struct perfetto *x)
{
    return ++x->time;
}

static void write_packet(struct perfetto *x, size_t mark)
{
    proto_close(&x->packet, mark);
    out_bytes(x->out, x->packet.p, x->packet.n);
    x->packet.n = 0;
}

/* ---- the scheduler ---- */

static void flush_cpu(struct perfetto *x, size_t i)
{
    struct cpu *c = &x->cpus[i];
    if (c->bundle.n == 0)
        return;
    size_t packet = proto_open(&x->packet, TRACE_PACKET);
    proto_uint(&x->packet, PACKET_SEQUENCE, SEQUENCE);
    size_t bundle = proto_open(&x->packet, PACKET_FTRACE);
    proto_uint(&x->packet, BUNDLE_CPU, i);
    proto_raw(&x->packet, c->bundle.p, c->bundle.n);
    proto_close(&x->packet, bundle);
    write_packet(x, packet);
    c->bundle.n = 0;
}

/* Events without a P stand at CPU 0: only switches are of a CPU. */
static struct cpu *cpu(struct perfetto *x, int32_t p)
{
    size_t i = p == TR_NO_P ? 0 : (size_t)p;
    if (i >= x->cpu_count) {
        struct cpu *more = cmd_alloc((i + 1) * sizeof(*more));
        memset(more, 0, (i + 1) * sizeof(*more));
        if (x->cpu_count)
            memcpy(more, x->cpus, x->cpu_count * sizeof(*more));
        free(x->cpus);
        x->cpus = more;
        x->cpu_count = i + 1;
    }
    if (x->cpus[i].bundle.n >= BUNDLE_FULL)
        flush_cpu(x, i);
    return &x->cpus[i];
}

/* Begins an event of the scheduler by goroutine pid; ends with two proto_close(). */
static size_t open_sched(struct perfetto *x, struct cpu *c, uint64_t pid, unsigned field,
                         size_t *ret_outer)
{
    *ret_outer = proto_open(&c->bundle, BUNDLE_EVENT);
    proto_uint(&c->bundle, FTRACE_TIMESTAMP, next_time(x));
    proto_uint(&c->bundle, FTRACE_PID, (uint32_t)pid);
    return proto_open(&c->bundle, field);
}

static void sched_switch(struct perfetto *x, int32_t p, enum task_state left_as, uint64_t next)
{
    struct cpu *c = cpu(x, p);
    size_t outer, m = open_sched(x, c, c->g, FTRACE_SWITCH, &outer);
    proto_int(&c->bundle, SWITCH_PREV_PID, (int32_t)c->g);
    proto_int(&c->bundle, SWITCH_PREV_PRIO, PRIORITY);
    proto_int(&c->bundle, SWITCH_PREV_STATE, left_as);
    proto_int(&c->bundle, SWITCH_NEXT_PID, (int32_t)next);
    proto_int(&c->bundle, SWITCH_NEXT_PRIO, PRIORITY);
    proto_close(&c->bundle, m);
    proto_close(&c->bundle, outer);
    c->g = next;
}

static void sched_waking(struct perfetto *x, const struct tr_event *e)
{
    struct cpu *c = cpu(x, e->p);
    size_t outer, m = open_sched(x, c, e->by, FTRACE_WAKING, &outer);
    proto_int(&c->bundle, WAKING_PID, (int32_t)e->g);
    proto_int(&c->bundle, WAKING_PRIO, PRIORITY);
    proto_int(&c->bundle, WAKING_SUCCESS, 1);
    proto_int(&c->bundle, WAKING_CPU, e->p == TR_NO_P ? 0 : e->p);
    proto_close(&c->bundle, m);
    proto_close(&c->bundle, outer);
}

static void run(struct perfetto *x, const struct tr_event *e)
{
    if (e->p != TR_NO_P && cpu(x, e->p)->g != e->g)
        sched_switch(x, e->p, TASK_RUNNABLE, e->g);
}

/* What runs on P runs there no more. */
static void leave(struct perfetto *x, const struct tr_event *e, enum task_state state)
{
    if (e->p != TR_NO_P && cpu(x, e->p)->g && (cpu(x, e->p)->g == e->g || e->g == 0))
        sched_switch(x, e->p, state, 0);
}

/* ---- tracks ---- */

static uint64_t intern(struct perfetto *x, struct names *names, unsigned field, const char *text)
{
    struct recent_name *recent = &names->recent[(uintptr_t)text % RECENT];
    if (recent->text == text)
        return recent->id;
    uint32_t before = names->ids.count, n = idmap_add(&names->ids, idmap_text(text));
    if (n == before) {
        size_t m = proto_open(&x->interned, field);
        proto_uint(&x->interned, INTERNED_ID, n + 1ull);
        proto_text(&x->interned, INTERNED_TEXT, text);
        proto_close(&x->interned, m);
    }
    *recent = (struct recent_name){text, n + 1ull};
    return recent->id;
}

struct marks {
    size_t packet, event;
};

static struct marks open_event(struct perfetto *x, unsigned type, uint64_t track)
{
    struct marks m = {.packet = proto_open(&x->packet, TRACE_PACKET)};
    proto_uint(&x->packet, PACKET_TIMESTAMP, next_time(x));
    proto_uint(&x->packet, PACKET_SEQUENCE, SEQUENCE);
    proto_uint(&x->packet, PACKET_FLAGS, NEEDS_STATE);
    m.event = proto_open(&x->packet, PACKET_TRACK_EVENT);
    proto_uint(&x->packet, EVENT_TYPE, type);
    proto_uint(&x->packet, EVENT_TRACK, track);
    return m;
}

/* Also writes what the event has interned. */
static void close_event(struct perfetto *x, struct marks m)
{
    proto_close(&x->packet, m.event);
    if (x->interned.n)
        proto_bytes(&x->packet, PACKET_INTERNED, x->interned.p, x->interned.n);
    x->interned.n = 0;
    write_packet(x, m.packet);
}

static void put_name(struct perfetto *x, const char *name)
{
    proto_uint(&x->packet, EVENT_NAME,
               intern(x, &x->event_names, INTERNED_EVENT_NAME, *name ? name : "?"));
}

static size_t open_annotation(struct perfetto *x, const char *key)
{
    size_t m = proto_open(&x->packet, EVENT_ANNOTATION);
    proto_uint(&x->packet, ANNOTATION_KEY,
               intern(x, &x->annotation_names, INTERNED_ANNOTATION_NAME, key));
    return m;
}

static void annotate_text(struct perfetto *x, const char *key, const char *text)
{
    if (!*text)
        return;
    size_t m = open_annotation(x, key);
    proto_text(&x->packet, ANNOTATION_TEXT, text);
    proto_close(&x->packet, m);
}

static void annotate(struct perfetto *x, const char *key, unsigned kind, uint64_t v)
{
    size_t m = open_annotation(x, key);
    proto_uint(&x->packet, kind, v);
    proto_close(&x->packet, m);
}

static void describe_goroutine(struct perfetto *x, uint64_t id)
{
    const char *label = tr_reader_g_label(x->r, tr_reader_g(x->r, id));
    char *name = cmd_printf("G%llu %s", (unsigned long long)id, label);
    size_t packet = proto_open(&x->packet, TRACE_PACKET);
    proto_uint(&x->packet, PACKET_SEQUENCE, SEQUENCE);
    size_t track = proto_open(&x->packet, PACKET_TRACK);
    proto_uint(&x->packet, TRACK_UUID, TRACK_OF_G | id);
    size_t thread = proto_open(&x->packet, TRACK_THREAD);
    proto_int(&x->packet, THREAD_PID, PROCESS);
    proto_int(&x->packet, THREAD_TID, (int32_t)id);
    proto_text(&x->packet, THREAD_NAME, name);
    proto_close(&x->packet, thread);
    proto_close(&x->packet, track);
    write_packet(x, packet);
    free(name);
}

static void describe_task(struct perfetto *x, const struct tr_event *e)
{
    char *name = cmd_printf("task %llu %s", (unsigned long long)e->task, e->text);
    size_t packet = proto_open(&x->packet, TRACE_PACKET);
    proto_uint(&x->packet, PACKET_SEQUENCE, SEQUENCE);
    size_t track = proto_open(&x->packet, PACKET_TRACK);
    proto_uint(&x->packet, TRACK_UUID, TRACK_OF_TASK | e->task);
    proto_uint(&x->packet, TRACK_PARENT, PROCESS_TRACK);
    proto_text(&x->packet, TRACK_NAME, name);
    proto_close(&x->packet, track);
    write_packet(x, packet);
    free(name);
}

/* ---- slices of a goroutine ---- */

static void end_slice(struct perfetto *x, uint64_t g, uint64_t flow)
{
    struct marks m = open_event(x, SLICE_END, TRACK_OF_G | g);
    if (flow)
        proto_fixed64(&x->packet, EVENT_FLOW_ENDS, flow);
    close_event(x, m);
}

static void begin_wait(struct perfetto *x, const struct tr_event *e)
{
    uint64_t *open = gmap_add(&x->open, e->g);
    if (*open & IN_WAIT)
        return;
    *open |= IN_WAIT;
    char object[64];
    tr_reader_obj_name(x->r, e->why, e->obj, object, sizeof(object));
    struct marks m = open_event(x, SLICE_BEGIN, TRACK_OF_G | e->g);
    put_name(x, e->why ? tr_reason_name(e->why) : "blocked");
    annotate_text(x, "object", object);
    annotate_text(x, "at", stack_place(&x->places, x->r, e->stack));
    close_event(x, m);
}

static void end_wait(struct perfetto *x, const struct tr_event *e)
{
    uint64_t *open = gmap_find(&x->open, e->g), flow = 0;
    if (!open || !(*open & IN_WAIT))
        return;
    *open &= ~IN_WAIT;
    if (!*open)
        gmap_remove(&x->open, e->g);
    if (e->by) {
        flow = ++x->flows;
        struct marks m = open_event(x, INSTANT, TRACK_OF_G | e->by);
        put_name(x, "ready");
        annotate(x, "goroutine", ANNOTATION_UINT, e->g);
        proto_fixed64(&x->packet, EVENT_FLOW, flow);
        close_event(x, m);
    }
    end_slice(x, e->g, flow);
}

static void region(struct perfetto *x, const struct tr_event *e)
{
    if (e->type == TR_EV_REGION_BEGIN) {
        ++*gmap_add(&x->open, e->g);
        struct marks m = open_event(x, SLICE_BEGIN, TRACK_OF_G | e->g);
        put_name(x, e->text);
        if (e->task)
            annotate(x, "task", ANNOTATION_UINT, e->task);
        close_event(x, m);
        return;
    }
    uint64_t *open = gmap_find(&x->open, e->g);
    if (!open || (uint32_t)*open == 0)
        return; /* it began before the recording */
    if (!--*open)
        gmap_remove(&x->open, e->g);
    end_slice(x, e->g, 0);
}

static void end_all_slices(struct perfetto *x, uint64_t g)
{
    const uint64_t *open = gmap_find(&x->open, g);
    uint64_t n = open ? (uint32_t)*open + !!(*open & IN_WAIT) : 0;
    for (; n > 0; n--)
        end_slice(x, g, 0);
    gmap_remove(&x->open, g);
}

static void task(struct perfetto *x, const struct tr_event *e)
{
    if (!e->task || (e->type == TR_EV_TASK_END && !gmap_find(&x->tasks, e->task)))
        return;
    bool begins = e->type == TR_EV_TASK_BEGIN;
    if (begins) {
        *gmap_add(&x->tasks, e->task) = 1;
        describe_task(x, e);
    } else {
        gmap_remove(&x->tasks, e->task);
    }
    struct marks m = open_event(x, begins ? SLICE_BEGIN : SLICE_END, TRACK_OF_TASK | e->task);
    if (begins) {
        put_name(x, e->text);
        annotate(x, "goroutine", ANNOTATION_UINT, e->g);
        if (e->arg)
            annotate(x, "part of task", ANNOTATION_UINT, e->arg);
    }
    close_event(x, m);
}

/* What both sides of a race did, and when the earlier one was. */
static void annotate_sides(struct perfetto *x, const struct tr_event *e)
{
    char text[ACCESS_TEXT_MAX];
    if (!e->access[0].size)
        return;
    annotate_text(x, "access", access_text(text, &e->access[0]));
    annotate_text(x, "at", stack_place(&x->places, x->r, e->stack));
    annotate_text(x, "earlier access", access_text(text, &e->access[1]));
    annotate_text(x, "earlier at", stack_place(&x->places, x->r, e->by_stack));
    if (e->by_from >= 0)
        annotate(x, "earlier from ns", ANNOTATION_UINT, (uint64_t)e->by_from);
    annotate(x, "earlier to ns", ANNOTATION_UINT, (uint64_t)e->by_to);
}

static void instant(struct perfetto *x, const struct tr_event *e)
{
    struct marks m = open_event(x, INSTANT, e->g ? TRACK_OF_G | e->g : PROCESS_TRACK);
    if (e->type == TR_EV_LOG) {
        put_name(x, e->category);
        annotate_text(x, "message", e->text);
        if (e->task)
            annotate(x, "task", ANNOTATION_UINT, e->task);
    } else {
        put_name(x, "data race");
        annotate(x, "with goroutine", ANNOTATION_UINT, e->by);
        annotate(x, "address", ANNOTATION_POINTER, e->obj);
        annotate_sides(x, e);
    }
    close_event(x, m);
}

/* ---- events ---- */

static enum task_state task_state(enum tr_reason why)
{
    return why == TR_SYSCALL || why == TR_NET ? TASK_IN_SYSCALL : TASK_SLEEPS;
}

/* How things stood where the recording began. */
static void first_state(struct perfetto *x, const struct tr_event *e)
{
    describe_goroutine(x, e->g);
    if (e->arg == TR_STATE_RUNNING)
        run(x, e);
    else if (e->arg == TR_STATE_RUNNABLE)
        sched_waking(x, e);
    else
        begin_wait(x, e);
}

static void event_of_mark(struct perfetto *x, const struct tr_event *e)
{
    if (e->type == TR_EV_LOG)
        instant(x, e);
    else if (e->type == TR_EV_TASK_BEGIN || e->type == TR_EV_TASK_END)
        task(x, e);
    else if (e->g)
        region(x, e);
}

static void event(void *arg, const struct tr_event *e)
{
    struct perfetto *x = arg;
    if ((uint64_t)e->time > x->time)
        x->time = (uint64_t)e->time;
    switch (e->type) {
    case TR_EV_GO_CREATE:
        describe_goroutine(x, e->g);
        sched_waking(x, e);
        break;
    case TR_EV_GO_NAME:
        if (e->g)
            describe_goroutine(x, e->g);
        break;
    case TR_EV_GO_STATE:
        first_state(x, e);
        break;
    case TR_EV_GO_START:
        run(x, e);
        break;
    case TR_EV_GO_READY:
        end_wait(x, e);
        sched_waking(x, e);
        break;
    case TR_EV_GO_YIELD:
        leave(x, e, TASK_RUNNABLE);
        break;
    case TR_EV_GO_BLOCK:
        if (e->g)
            begin_wait(x, e);
        leave(x, e, task_state(e->why));
        break;
    case TR_EV_GO_END:
        end_all_slices(x, e->g);
        leave(x, e, TASK_DEAD);
        break;
    case TR_EV_P_START:
        if (e->g)
            run(x, e);
        break;
    case TR_EV_P_STOP:
    case TR_EV_P_RETAKE:
        leave(x, e, TASK_IN_SYSCALL);
        break;
    case TR_EV_RACE:
        instant(x, e);
        break;
    default:
        if (tr_is_mark(e->type))
            event_of_mark(x, e);
        break;
    }
}

static void write_clock(struct perfetto *x, unsigned id, uint64_t time)
{
    size_t m = proto_open(&x->packet, CLOCKS_CLOCK);
    proto_uint(&x->packet, CLOCK_ID, id);
    proto_uint(&x->packet, CLOCK_TIME, time);
    proto_close(&x->packet, m);
}

static void write_process(struct perfetto *x)
{
    const struct tr_info *info = tr_reader_info(x->r);
    size_t packet = proto_open(&x->packet, TRACE_PACKET);
    proto_uint(&x->packet, PACKET_SEQUENCE, SEQUENCE);
    proto_uint(&x->packet, PACKET_FLAGS, STATE_CLEARED);
    size_t m = proto_open(&x->packet, PACKET_CLOCKS);
    write_clock(x, CLOCK_BOOT, 0);
    write_clock(x, CLOCK_REAL, (uint64_t)info->wall_start_ns);
    proto_close(&x->packet, m);
    write_packet(x, packet);

    packet = proto_open(&x->packet, TRACE_PACKET);
    proto_uint(&x->packet, PACKET_SEQUENCE, SEQUENCE);
    m = proto_open(&x->packet, PACKET_TRACK);
    proto_uint(&x->packet, TRACK_UUID, PROCESS_TRACK);
    size_t process = proto_open(&x->packet, TRACK_PROCESS);
    proto_int(&x->packet, PROCESS_PID, PROCESS);
    proto_text(&x->packet, PROCESS_NAME, *info->command ? info->command : info->path);
    proto_close(&x->packet, process);
    proto_close(&x->packet, m);
    write_packet(x, packet);
}

static void *begin(struct tr_reader *r, struct out *out, const char *folder)
{
    (void)folder;
    struct perfetto *x = cmd_alloc(sizeof(*x));
    *x = (struct perfetto){.r = r, .out = out};
    write_process(x);
    return x;
}

static void end(void *arg, int64_t from, int64_t to)
{
    (void)from, (void)to;
    struct perfetto *x = arg;
    for (size_t i = 0; i < x->cpu_count; i++) {
        flush_cpu(x, i);
        proto_fini(&x->cpus[i].bundle);
    }
    free(x->cpus);
    proto_fini(&x->packet);
    proto_fini(&x->interned);
    idmap_fini(&x->event_names.ids);
    idmap_fini(&x->annotation_names.ids);
    gmap_fini(&x->open);
    gmap_fini(&x->tasks);
    stack_places_fini(&x->places);
    free(x);
}

const struct trace_export trace_export_perfetto = {
    .name = "perfetto", .states = true, .begin = begin, .event = event, .end = end};
