/* trace_export_ctf.c - Common Trace Format 1.8, for babeltrace2 and Trace Compass.
 *
 * A folder of two files: "metadata", which describes the layout in CTF's own language, and
 * "stream", packets of events.  One stream, since the reader's order is causal, which an order by
 * time over several streams would lose where times are equal.  A packet's head says its times and
 * sizes, so it is written when it is full.  Times are 32 bits in an event; the packet's beginning
 * gives the rest, so silence of more than four seconds begins a new packet. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "access.h"
#include "cmd.h"
#include "proto.h"
#include "stacks.h"
#include "trace_export.h"

#define PACKET_MAGIC 0xc1fc1fc1u

enum { PACKET_FULL = 60000, STRING_MAX = 4096 };

struct packet_head {
    uint32_t magic, stream_id;
    uint64_t begin, end, content_bits, packet_bits;
};

struct ctf {
    struct tr_reader *r;
    struct out *out;
    struct stack_places places;
    struct proto events; /* of the packet */
    int64_t begin, last; /* times of the packet */
};

/* ---- the fields of each event, one letter each ---- */

static const char *const fields[TR_EV_MAX] = {
    [TR_EV_GO_CREATE] = "bfp",  [TR_EV_GO_START] = "",    [TR_EV_GO_END] = "",
    [TR_EV_GO_YIELD] = "",      [TR_EV_GO_BLOCK] = "rop", [TR_EV_GO_READY] = "brop",
    [TR_EV_GO_NAME] = "n",      [TR_EV_P_START] = "",     [TR_EV_P_STOP] = "",
    [TR_EV_P_STEAL] = "c",      [TR_EV_P_RETAKE] = "m",   [TR_EV_M_PARK] = "",
    [TR_EV_M_UNPARK] = "",      [TR_EV_PROCS] = "c",      [TR_EV_RACE] = "bapwxqij",
    [TR_EV_M_START] = "",       [TR_EV_M_STOP] = "",      [TR_EV_GO_STATE] = "srop",
    [TR_EV_TASK_BEGIN] = "tgn", [TR_EV_TASK_END] = "t",   [TR_EV_REGION_BEGIN] = "tn",
    [TR_EV_REGION_END] = "tn",  [TR_EV_LOG] = "tkn",
};

static const char *declaration(char letter)
{
    switch (letter) {
    case 'a':
        return "hex64 address;";
    case 'i':
        return "int64 by_from;"; /* nanoseconds of the recording; -1 unknown */
    case 'j':
        return "int64 by_to;";
    case 'q':
        return "string by_place;";
    case 'w':
        return "string access;";
    case 'x':
        return "string by_access;";
    case 'b':
        return "uint64 by;";
    case 'c':
        return "uint64 count;";
    case 'f':
        return "string function;";
    case 'g':
        return "uint64 parent;";
    case 'k':
        return "string category;";
    case 'm':
        return "uint64 from_m;";
    case 'n':
        return "string name;";
    case 'o':
        return "string object;";
    case 'p':
        return "string place;";
    case 'r':
        return "enum reason reason;";
    case 's':
        return "enum state state;";
    default:
        return "uint64 task;";
    }
}

static void put_u64(struct ctf *x, uint64_t v)
{
    proto_raw(&x->events, &v, sizeof(v));
}

static void put_string(struct ctf *x, const char *s)
{
    size_t n = strlen(s);
    proto_raw(&x->events, s, n < STRING_MAX ? n : STRING_MAX);
    proto_raw(&x->events, "", 1);
}

static void put_byte(struct ctf *x, unsigned v)
{
    uint8_t b = (uint8_t)v;
    proto_raw(&x->events, &b, 1);
}

static void put_object(struct ctf *x, const struct tr_event *e)
{
    char object[64];
    object[0] = 0;
    if (e->obj)
        tr_reader_obj_name(x->r, e->why, e->obj, object, sizeof(object));
    put_string(x, object);
}

/* What only races have. */
static void put_field_of_race(struct ctf *x, const struct tr_event *e, char letter)
{
    char text[ACCESS_TEXT_MAX];
    switch (letter) {
    case 'i':
    case 'j':
        put_u64(x, (uint64_t)(letter == 'i' ? e->by_from : e->by_to));
        break;
    case 'q':
        put_string(x, stack_place(&x->places, x->r, e->by_stack));
        break;
    default:
        put_string(x, access_text(text, &e->access[letter == 'x']));
        break;
    }
}

static void put_field(struct ctf *x, const struct tr_event *e, char letter)
{
    switch (letter) {
    case 'a':
        put_u64(x, e->obj);
        break;
    case 'b':
        put_u64(x, e->by);
        break;
    case 'c':
    case 'g':
    case 'm':
        put_u64(x, e->arg);
        break;
    case 'f':
        put_string(x, tr_reader_function(x->r, e->fn));
        break;
    case 'k':
        put_string(x, e->category ? e->category : "");
        break;
    case 'n':
        put_string(x, e->text ? e->text : "");
        break;
    case 'o':
        put_object(x, e);
        break;
    case 'p':
        put_string(x, stack_place(&x->places, x->r, e->stack));
        break;
    case 'r':
        put_byte(x, e->why);
        break;
    case 's':
        put_byte(x, (unsigned)e->arg);
        break;
    case 'i':
    case 'j':
    case 'q':
    case 'w':
    case 'x':
        put_field_of_race(x, e, letter);
        break;
    default:
        put_u64(x, e->task);
        break;
    }
}

/* ---- metadata ---- */

static void write_head(FILE *f, const struct tr_info *i)
{
    fprintf(f,
            "/* CTF 1.8 */\n"
            "typealias integer { size = 8; align = 8; signed = false; } := uint8;\n"
            "typealias integer { size = 32; align = 8; signed = false; } := uint32;\n"
            "typealias integer { size = 32; align = 8; signed = true; } := int32;\n"
            "typealias integer { size = 64; align = 8; signed = false; } := uint64;\n"
            "typealias integer { size = 64; align = 8; signed = true; } := int64;\n"
            "typealias integer { size = 64; align = 8; signed = false; base = 16; } := hex64;\n"
            "trace {\n"
            "  major = 1; minor = 8; byte_order = le;\n"
            "  packet.header := struct { uint32 magic; uint32 stream_id; };\n"
            "};\n"
            "env { tracer_name = \"goshawk\"; pid = %u; };\n"
            "clock {\n"
            "  name = trace_clock; description = \"nanoseconds of the recording\";\n"
            "  freq = 1000000000; offset_s = %lld; offset = %lld; absolute = true;\n"
            "};\n"
            "typealias integer { size = 32; align = 8; signed = false;\n"
            "  map = clock.trace_clock.value; } := time32;\n"
            "typealias integer { size = 64; align = 8; signed = false;\n"
            "  map = clock.trace_clock.value; } := time64;\n",
            i->pid, (long long)(i->wall_start_ns / 1000000000),
            (long long)(i->wall_start_ns % 1000000000));
}

static void write_enums(FILE *f)
{
    fprintf(f, "enum reason : uint8 { \"none\" = 0");
    for (int why = 1; why < TR_REASONS; why++)
        fprintf(f, ", \"%s\" = %d", tr_reason_name((enum tr_reason)why), why);
    fprintf(f,
            " };\nenum state : uint8 { \"runnable\" = %d, \"running\" = %d, \"blocked\" = %d };\n",
            TR_STATE_RUNNABLE, TR_STATE_RUNNING, TR_STATE_BLOCKED);
}

static void write_stream(FILE *f)
{
    fprintf(f, "stream {\n"
               "  id = 0;\n"
               "  packet.context := struct { time64 timestamp_begin; time64 timestamp_end;\n"
               "    uint64 content_size; uint64 packet_size; };\n"
               "  event.header := struct { uint8 id; time32 timestamp; };\n"
               "  event.context := struct { int32 p; uint32 m; uint64 g; };\n"
               "};\n");
    for (int t = 1; t < TR_EV_MAX; t++) {
        if (!fields[t])
            continue;
        fprintf(f, "event { name = \"%s\"; id = %d; stream_id = 0; fields := struct {",
                tr_type_name((enum tr_type)t), t);
        for (const char *c = fields[t]; *c; c++)
            fprintf(f, " %s", declaration(*c));
        fprintf(f, " }; };\n");
    }
}

static bool write_metadata(struct tr_reader *r, const char *folder)
{
    char *path = cmd_printf("%s/metadata", folder);
    FILE *f = fopen(path, "w");
    free(path);
    if (!f)
        return false;
    write_head(f, tr_reader_info(r));
    write_enums(f);
    write_stream(f);
    bool ok = !ferror(f);
    return fclose(f) == 0 && ok;
}

/* ---- packets ---- */

static void flush(struct ctf *x)
{
    struct packet_head head = {.magic = PACKET_MAGIC,
                               .begin = (uint64_t)x->begin,
                               .end = (uint64_t)x->last,
                               .content_bits = (sizeof(head) + x->events.n) * 8,
                               .packet_bits = (sizeof(head) + x->events.n) * 8};
    out_bytes(x->out, &head, sizeof(head));
    out_bytes(x->out, x->events.p, x->events.n);
    x->events.n = 0;
}

static void event(void *arg, const struct tr_event *e)
{
    struct ctf *x = arg;
    if (!fields[e->type])
        return;
    if (x->events.n >= PACKET_FULL || (x->events.n && e->time - x->last > UINT32_MAX))
        flush(x);
    if (x->events.n == 0)
        x->begin = e->time;
    x->last = e->time;
    struct __attribute__((packed)) {
        uint8_t id;
        uint32_t time;
        int32_t p;
        uint32_t m;
        uint64_t g;
    } head = {(uint8_t)e->type, (uint32_t)e->time, e->p, e->m, e->g};
    proto_raw(&x->events, &head, sizeof(head));
    for (const char *c = fields[e->type]; *c; c++)
        put_field(x, e, *c);
}

static void *begin(struct tr_reader *r, struct out *out, const char *folder)
{
    if (!write_metadata(r, folder))
        return NULL;
    struct ctf *x = cmd_alloc(sizeof(*x));
    *x = (struct ctf){.r = r, .out = out};
    return x;
}

static void end(void *arg, int64_t from, int64_t to)
{
    (void)from, (void)to;
    struct ctf *x = arg;
    flush(x); /* at least one packet: babeltrace2 wants a stream */
    proto_fini(&x->events);
    stack_places_fini(&x->places);
    free(x);
}

const struct trace_export trace_export_ctf = {
    .name = "ctf", .folder = true, .begin = begin, .event = event, .end = end};
