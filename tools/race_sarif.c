/* race_sarif.c - see race_sarif.h.
 *
 * One result a report.  Its place is the innermost frame with a line of the access found last; the
 * other access is a related location, and all stacks are there as SARIF's own.  The fingerprint
 * keeps a result the same for a code host while lines shift. */
#include "race_sarif.h"
#include "cc_flags.h"
#include "cmd.h"
#include <stdlib.h>
#include <string.h>

static const struct rule {
    const char *type, *id, *name, *what;
} rules[] = {
    {"race", "data-race", "DataRace",
     "Two accesses to the same memory, at least one of them a write, are not ordered."},
    {"heap-use-after-free", "heap-use-after-free", "HeapUseAfterFree",
     "Memory of the heap is used after it was freed."},
    {"double-free", "double-free", "DoubleFree", "A block of the heap is freed twice."},
    {"lock-order-inversion", "lock-order-inversion", "LockOrderInversion",
     "Locks are taken in different orders, which can end in a deadlock."},
    {"recursive-read-lock", "recursive-read-lock", "RecursiveReadLock",
     "A lock is taken for reading again by who reads, and a writer may come in between."},
    {"mutex-misuse", "mutex-misuse", "MutexMisuse",
     "A lock is used in a way that is not defined: unlocked twice, or after its end."},
    {"thread-leak", "thread-leak", "ThreadLeak",
     "A thread has ended, and was neither joined nor detached."},
    {"goroutine-leak", "goroutine-leak", "GoroutineLeak",
     "A goroutine is still blocked when the program ends."},
};
enum { RULES = sizeof rules / sizeof *rules, PAIRS = 3 /* the first ones have two accesses */ };

static int rule_of(const struct json *report)
{
    for (int i = 0; i < RULES; i++)
        if (strcmp(rules[i].type, json_text(report, "type", "")) == 0)
            return i;
    return 0;
}

/* ---- places ---- */

/* A path as a URI reference: absolute ones as file:, all but safe characters as %xx. */
static char *uri_of(const char *path, const char *root)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    size_t n = strlen(root);
    if (n > 1 && strncmp(path, root, n) == 0 && path[n] == '/')
        path += n + 1;
    char *uri = cmd_alloc(strlen(path) * 3 + 8), *to = uri;
    if (*path == '/')
        to += sprintf(to, "file://");
    for (; *path; path++) {
        if (strchr(safe, *path))
            *to++ = *path;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*path);
    }
    *to = 0;
    return uri;
}

/* The members of a SARIF location for a frame. */
static void put_place(struct json *location, const struct json *frame, const char *root)
{
    const char *file = json_text(frame, "file", NULL);
    long long line = json_int(frame, "line", 0), column = json_int(frame, "column", 0);
    if (file) {
        struct json *physical = json_object(location, "physicalLocation");
        char *uri = uri_of(file, root);
        json_string(json_object(physical, "artifactLocation"), "uri", uri);
        free(uri);
        if (line > 0) {
            struct json *region = json_object(physical, "region");
            json_number(region, "startLine", line);
            if (column > 0)
                json_number(region, "startColumn", column);
        }
    }
    struct json *logical = json_object(json_array(location, "logicalLocations"), NULL);
    json_string(logical, "name", json_text(frame, "function", "?"));
    json_string(logical, "kind", "function");
}

static void put_message(struct json *in, const char *text)
{
    json_string(json_object(in, "message"), "text", text);
}

static const struct json *place_in(const struct json *stack)
{
    json_each(f, stack)
        if (json_get(f, "file"))
            return f;
    return stack ? stack->first : NULL;
}

static void put_location(struct json *array, const struct json *stack, const char *text,
                         const char *root)
{
    const struct json *frame = place_in(stack);
    if (!frame)
        return;
    struct json *l = json_object(array, NULL);
    put_place(l, frame, root);
    if (text)
        put_message(l, text);
}

static void put_stack(struct json *stacks, const struct json *stack, const char *text,
                      const char *root)
{
    struct json *s = json_object(stacks, NULL), *frames;
    put_message(s, text);
    frames = json_array(s, "frames");
    json_each(f, stack) {
        struct json *frame = json_object(frames, NULL);
        put_place(json_object(frame, "location"), f, root);
        if (json_get(f, "module"))
            json_string(frame, "module", json_text(f, "module", ""));
    }
}

/* ---- words ---- */

static char *flow_name(const struct json *flow)
{
    const char *kind = json_text(flow, "kind", "goroutine");
    if (json_is(flow, "main"))
        return cmd_printf("main %s", kind);
    return cmd_printf("%s %s%lld", kind, strcmp(kind, "thread") == 0 ? "T" : "",
                      json_int(flow, "id", 0));
}

static char *access_title(const struct json *a, bool previous)
{
    char *who = flow_name(json_get(a, "by"));
    char *s =
        cmd_printf("%s%s%s by %s", previous ? "previous " : "",
                   json_is(a, "atomic") ? "atomic " : "", json_text(a, "kind", "access"), who);
    free(who);
    return s;
}

static char *pair_message(const struct json *r, const struct json *now, const struct json *before)
{
    char *a = access_title(now, false), *b = access_title(before, true);
    const struct json *l = json_get(r, "location");
    const char *name = json_text(l, "name", NULL), *part = json_text(l, "part", "");
    char *s =
        rule_of(r) == 0
            ? cmd_printf("Data race%s%s%s%s: %s, and %s are not ordered.", name ? " on '" : "",
                         name ? name : "", name ? part : "", name ? "'" : "", a, b)
            : cmd_printf("%s It is the %s; %s came before it.", rules[rule_of(r)].what, a, b);
    json_each(why, json_get(r, "not_ordered_because")) {
        if (why->type != JSON_STRING || !*why->text)
            continue;
        char c = *why->text, big = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        char *longer = cmd_printf("%s %c%s.", s, big, why->text + 1);
        free(s);
        s = longer;
    }
    free(a);
    free(b);
    return s;
}

/* ---- results ---- */

static void put_pair(struct json *result, const struct json *r, const char *root)
{
    const struct json *now = json_get(r, "accesses") ? json_get(r, "accesses")->first : NULL;
    const struct json *before = now ? now->next : NULL;
    char *text = pair_message(r, now, before);
    char *a = access_title(now, false), *b = access_title(before, true);
    put_message(result, text);
    put_location(json_array(result, "locations"), json_get(now, "stack"), NULL, root);
    put_location(json_array(result, "relatedLocations"), json_get(before, "stack"), b, root);
    struct json *stacks = json_array(result, "stacks");
    put_stack(stacks, json_get(now, "stack"), a, root);
    put_stack(stacks, json_get(before, "stack"), b, root);
    json_each(life, json_get(r, "lives")) {
        char *who = flow_name(life), *title = cmd_printf("%s created", who);
        put_stack(stacks, json_get(life, "created_at"), title, root);
        free(title);
        free(who);
    }
    free(text);
    free(a);
    free(b);
}

static void put_other(struct json *result, const struct json *r, const char *root)
{
    const struct json *all = json_get(r, "stacks");
    put_message(result, json_text(r, "title", json_text(r, "type", "?")));
    struct json *locations = json_array(result, "locations");
    struct json *related = json_array(result, "relatedLocations");
    struct json *stacks = json_array(result, "stacks");
    json_each(s, all) {
        const char *title = json_text(s, "title", "stack");
        put_location(s == all->first ? locations : related, json_get(s, "stack"),
                     s == all->first ? NULL : title, root);
        put_stack(stacks, json_get(s, "stack"), title, root);
    }
}

static void put_result(struct json *results, const struct json *r, const char *root)
{
    struct json *result = json_object(results, NULL);
    int rule = rule_of(r);
    json_string(result, "ruleId", rules[rule].id);
    json_number(result, "ruleIndex", rule);
    json_string(result, "level", rule < PAIRS ? "error" : "warning");
    if (rule < PAIRS)
        put_pair(result, r, root);
    else
        put_other(result, r, root);
    json_string(json_object(result, "partialFingerprints"), "goshawk/v1",
                json_text(r, "fingerprint", ""));
    json_number(result, "occurrenceCount", json_int(r, "count", 1));
    if (json_get(r, "reproduce"))
        json_string(json_object(result, "properties"), "reproduce", json_text(r, "reproduce", ""));
}

static void put_driver(struct json *run)
{
    struct json *driver = json_object(json_object(run, "tool"), "driver");
    json_string(driver, "name", "Goshawk");
    json_string(driver, "version", FLAGS_VERSION);
    struct json *list = json_array(driver, "rules");
    for (int i = 0; i < RULES; i++) {
        struct json *rule = json_object(list, NULL);
        json_string(rule, "id", rules[i].id);
        json_string(rule, "name", rules[i].name);
        json_string(json_object(rule, "shortDescription"), "text", rules[i].what);
    }
}

void race_sarif_write(const struct json *reports, const char *root, FILE *out)
{
    struct json *log = json_object(NULL, NULL);
    json_string(log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    json_string(log, "version", "2.1.0");
    struct json *run = json_object(json_array(log, "runs"), NULL);
    put_driver(run);
    json_string(run, "columnKind", "utf16CodeUnits");
    struct json *results = json_array(run, "results");
    json_each(r, reports)
        put_result(results, r, root);
    json_write(log, out, 0);
    fputc('\n', out);
    json_free(log);
}
