/* trace_export_profile.c - profiles of where goroutines' time went: pprof's format, for
 * go tool pprof and all that read it, and folded stacks, for flame graphs.
 *
 * The pprof profiles have Go's meaning: each sample is a stack with how often and how long
 * goroutines were held up there.
 *
 *     sched    from runnable to running, at the place that made them runnable
 *     block    all that goroutines waited for, with the reason as a tag
 *     sync     of these: channels, select, mutexes and the like; not I/O, sleep and system calls
 *     syscall  in system calls, and on a thread whose P was taken away
 *
 * The folded stacks have all of every goroutine's time, running too: a line for each stack with its
 * nanoseconds, outermost function first, and what the goroutine did there in brackets.
 *
 * The profile is small: it is made in memory and compressed at the end. */
#include <stdlib.h>
#include <zlib.h>
#include "cmd.h"
#include "profile.h"
#include "proto.h"
#include "stacks.h"
#include "trace_export.h"

/* Fields of profile.proto. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING = 6,
    PROFILE_TIME = 9,
    PROFILE_DURATION = 10,
    PROFILE_DEFAULT_TYPE = 14,
    VALUE_TYPE = 1,
    VALUE_UNIT = 2,
    SAMPLE_LOCATION = 1,
    SAMPLE_VALUE = 2,
    SAMPLE_LABEL = 3,
    LABEL_KEY = 1,
    LABEL_TEXT = 2,
    LOCATION_ID = 1,
    LOCATION_ADDRESS = 3,
    LOCATION_LINE = 4,
    LINE_FUNCTION = 1,
    LINE_LINE = 2,
    FUNCTION_ID = 1,
    FUNCTION_NAME = 2,
    FUNCTION_SYSTEM_NAME = 3,
    FUNCTION_FILE = 4,
};

struct profile_export {
    struct tr_reader *r;
    struct out *out;
    bool (*wants)(unsigned why);
    struct profile profile;
    struct idmap strings, functions, locations;
    struct proto message;
};

static bool is_sync(unsigned why)
{
    if (why >= TR_REASONS)
        return false;
    enum tr_class c = tr_reason_class((enum tr_reason)why);
    return c != TR_CL_NET && c != TR_CL_SYSCALL && c != TR_CL_SLEEP;
}

static bool is_block(unsigned why)
{
    return why < TR_REASONS;
}

static bool is_syscall(unsigned why)
{
    return why == TR_SYSCALL || why == PROFILE_DETACHED;
}

static bool is_sched(unsigned why)
{
    return why == PROFILE_RUNNABLE;
}

static bool is_any(unsigned why)
{
    return why < PROFILE_WHYS;
}

static void span(void *arg, const struct tr_span *s)
{
    struct profile_export *x = arg;
    unsigned why = profile_why_of(s);
    if (why != UINT32_MAX && x->wants(why))
        profile_add(&x->profile, s);
}

static size_t frames_of(struct profile_export *x, const struct profile_sample *s,
                        struct stack_frame *ret)
{
    size_t n = s->stack ? stack_frames(x->r, s->stack, ret) : 0;
    if (n == 0)
        ret[n++] = (struct stack_frame){.function = tr_reader_function(x->r, s->fn), .pc = s->fn};
    return n;
}

/* ---- pprof ---- */

static uint64_t string(struct profile_export *x, const char *s)
{
    uint32_t before = x->strings.count, n = idmap_add(&x->strings, idmap_text(s));
    if (n == before)
        proto_text(&x->message, PROFILE_STRING, s);
    return n;
}

static uint64_t function(struct profile_export *x, const struct stack_frame *f)
{
    uint64_t name = string(x, f->function), file = string(x, f->file ? f->file : "");
    uint32_t before = x->functions.count, n = idmap_add(&x->functions, name << 32 | file);
    if (n == before) {
        size_t m = proto_open(&x->message, PROFILE_FUNCTION);
        proto_uint(&x->message, FUNCTION_ID, n + 1ull);
        proto_uint(&x->message, FUNCTION_NAME, name);
        proto_uint(&x->message, FUNCTION_SYSTEM_NAME, name);
        proto_uint(&x->message, FUNCTION_FILE, file);
        proto_close(&x->message, m);
    }
    return n + 1ull;
}

/* Functions that are inlined into each other have the same pc and are locations of their own. */
static uint64_t location(struct profile_export *x, const struct stack_frame *f)
{
    uint64_t id = function(x, f);
    uint64_t key = (f->pc * 0x9e3779b97f4a7c15u) ^ id << 32 ^ (uint32_t)f->line;
    uint32_t before = x->locations.count, n = idmap_add(&x->locations, key);
    if (n == before) {
        size_t m = proto_open(&x->message, PROFILE_LOCATION);
        proto_uint(&x->message, LOCATION_ID, n + 1ull);
        proto_uint(&x->message, LOCATION_ADDRESS, f->pc);
        size_t line = proto_open(&x->message, LOCATION_LINE);
        proto_uint(&x->message, LINE_FUNCTION, id);
        proto_int(&x->message, LINE_LINE, f->line);
        proto_close(&x->message, line);
        proto_close(&x->message, m);
    }
    return n + 1ull;
}

static void put_sample(struct profile_export *x, const struct profile_sample *s)
{
    struct stack_frame frames[STACK_FRAMES_MAX];
    uint64_t ids[STACK_FRAMES_MAX];
    size_t n = frames_of(x, s, frames);
    for (size_t i = 0; i < n; i++)
        ids[i] = location(x, &frames[i]);
    uint64_t key = string(x, "reason"), why = string(x, profile_why(s->why));

    size_t m = proto_open(&x->message, PROFILE_SAMPLE);
    size_t packed = proto_open(&x->message, SAMPLE_LOCATION);
    for (size_t i = 0; i < n; i++)
        proto_varint(&x->message, ids[i]);
    proto_close(&x->message, packed);
    packed = proto_open(&x->message, SAMPLE_VALUE);
    proto_varint(&x->message, s->count);
    proto_varint(&x->message, s->ns);
    proto_close(&x->message, packed);
    size_t label = proto_open(&x->message, SAMPLE_LABEL);
    proto_uint(&x->message, LABEL_KEY, key);
    proto_uint(&x->message, LABEL_TEXT, why);
    proto_close(&x->message, label);
    proto_close(&x->message, m);
}

static void sample_type(struct profile_export *x, const char *type, const char *unit)
{
    uint64_t type_id = string(x, type), unit_id = string(x, unit);
    size_t m = proto_open(&x->message, PROFILE_SAMPLE_TYPE);
    proto_uint(&x->message, VALUE_TYPE, type_id);
    proto_uint(&x->message, VALUE_UNIT, unit_id);
    proto_close(&x->message, m);
}

static void write_gzip(struct out *out, const uint8_t *p, size_t n)
{
    enum { GZIP = 16 + MAX_WBITS, MEM_LEVEL = 8 };
    static uint8_t buf[OUT_SIZE];
    z_stream z = {.next_in = (uint8_t *)p, .avail_in = (uInt)n};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, MEM_LEVEL, Z_DEFAULT_STRATEGY)) {
        out->failed = true;
        return;
    }
    int more = Z_OK;
    while (more == Z_OK) {
        z.next_out = buf;
        z.avail_out = sizeof(buf);
        more = deflate(&z, Z_FINISH);
        out_bytes(out, buf, sizeof(buf) - z.avail_out);
    }
    out->failed |= more != Z_STREAM_END;
    (void)deflateEnd(&z);
}

static void fini(struct profile_export *x)
{
    profile_fini(&x->profile);
    idmap_fini(&x->strings);
    idmap_fini(&x->functions);
    idmap_fini(&x->locations);
    proto_fini(&x->message);
    free(x);
}

static void end_pprof(void *arg, int64_t from, int64_t to)
{
    struct profile_export *x = arg;
    const struct tr_info *info = tr_reader_info(x->r);
    (void)string(x, ""); /* the first one, always */
    sample_type(x, "contentions", "count");
    sample_type(x, "delay", "nanoseconds");
    uint32_t n = profile_sort(&x->profile);
    for (uint32_t i = 0; i < n; i++)
        put_sample(x, &x->profile.samples[i]);
    proto_int(&x->message, PROFILE_TIME, info->wall_start_ns + from);
    proto_int(&x->message, PROFILE_DURATION, to - from);
    proto_uint(&x->message, PROFILE_DEFAULT_TYPE, string(x, "delay"));
    write_gzip(x->out, x->message.p, x->message.n);
    fini(x);
}

/* ---- folded ---- */

/* The separators of the format are not for names. */
static void put_name(struct out *o, const char *name)
{
    for (; *name; name++)
        out_char(o, *name == ';' ? ',' : *name == '\n' ? ' ' : *name);
}

static void end_folded(void *arg, int64_t from, int64_t to)
{
    (void)from, (void)to;
    struct profile_export *x = arg;
    uint32_t n = profile_sort(&x->profile);
    for (uint32_t i = 0; i < n; i++) {
        const struct profile_sample *s = &x->profile.samples[i];
        struct stack_frame frames[STACK_FRAMES_MAX];
        if (s->ns == 0)
            continue;
        for (size_t k = frames_of(x, s, frames); k-- > 0;) {
            put_name(x->out, frames[k].function);
            out_char(x->out, ';');
        }
        out_char(x->out, '[');
        out_text(x->out, profile_why(s->why));
        out_literal(x->out, "] ");
        out_uint(x->out, s->ns);
        out_char(x->out, '\n');
    }
    fini(x);
}

/* ---- the formats ---- */

static void *begin(struct tr_reader *r, struct out *out, bool (*wants)(unsigned why))
{
    struct profile_export *x = cmd_alloc(sizeof(*x));
    *x = (struct profile_export){.r = r, .out = out, .wants = wants};
    return x;
}

#define PROFILE_EXPORT(variable, text, chosen, last)                                      \
    static void *begin_##chosen(struct tr_reader *r, struct out *out, const char *folder) \
    {                                                                                     \
        (void)folder;                                                                     \
        return begin(r, out, chosen);                                                     \
    }                                                                                     \
    const struct trace_export variable = {                                                \
        .name = text, .begin = begin_##chosen, .span = span, .end = last}

PROFILE_EXPORT(trace_export_pprof_sched, "pprof-sched", is_sched, end_pprof);
PROFILE_EXPORT(trace_export_pprof_block, "pprof-block", is_block, end_pprof);
PROFILE_EXPORT(trace_export_pprof_sync, "pprof-sync", is_sync, end_pprof);
PROFILE_EXPORT(trace_export_pprof_syscall, "pprof-syscall", is_syscall, end_pprof);
PROFILE_EXPORT(trace_export_folded, "folded", is_any, end_folded);
