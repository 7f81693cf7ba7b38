/* trace_export_text.c - events as CSV and as JSON lines (one object a line), for ad hoc
 * questions. */
#include <string.h>
#include "trace_export.h"

/* What a row says, in both formats. */
struct row {
    const char *reason, *function, *name;
    char object[64], place[1024];
};

static void fill(struct tr_reader *r, const struct tr_event *e, struct row *row)
{
    struct tr_frame f;
    *row = (struct row){
        .reason = tr_reason_name(e->why), .function = "", .name = e->text ? e->text : ""};
    if (e->type == TR_EV_GO_CREATE)
        row->function = tr_reader_function(r, e->fn);
    if (e->type == TR_EV_RACE)
        snprintf(row->object, sizeof(row->object), "0x%llx", (unsigned long long)e->obj);
    else
        tr_reader_obj_name(r, e->why, e->obj, row->object, sizeof(row->object));
    if (!e->stack || !tr_reader_user_frame(r, e->stack, &f))
        return;
    if (f.file)
        snprintf(row->place, sizeof(row->place), "%s %s:%d", f.function, f.file, f.line);
    else
        snprintf(row->place, sizeof(row->place), "%s", f.function);
}

static void csv_text(FILE *out, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        fputs(s, out);
        return;
    }
    putc('"', out);
    for (; *s; s++) {
        if (*s == '"')
            putc('"', out);
        putc(*s, out);
    }
    putc('"', out);
}

void trace_export_csv(struct tr_reader *r, FILE *out)
{
    struct tr_event e;
    struct row row;
    fputs("n,time_ns,m,p,g,event,reason,object,by,function,name,place,arg,task,category\n", out);
    while (!ferror(out) && tr_reader_next(r, &e)) {
        fill(r, &e, &row);
        fprintf(out, "%llu,%lld,%d,%d,%llu,%s,", (unsigned long long)e.n, (long long)e.time,
                (int)e.m, e.p, (unsigned long long)e.g, tr_type_name(e.type));
        csv_text(out, row.reason);
        fprintf(out, ",%s,%llu,", row.object, (unsigned long long)e.by);
        csv_text(out, row.function);
        putc(',', out);
        csv_text(out, row.name);
        putc(',', out);
        csv_text(out, row.place);
        fprintf(out, ",%llu,%llu,", (unsigned long long)e.arg, (unsigned long long)e.task);
        csv_text(out, e.category ? e.category : "");
        putc('\n', out);
    }
}

/* Number of bytes of the UTF-8 character at s, 0 when it is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = *s < 0x80                 ? 1
               : *s >= 0xc2 && *s < 0xe0 ? 2
               : *s >= 0xe0 && *s < 0xf0 ? 3
               : *s >= 0xf0 && *s < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void json_text(FILE *out, const char *key, const char *text)
{
    if (!*text)
        return;
    fprintf(out, ",\"%s\":\"", key);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = utf8_length(s);
        if (n == 0)
            fputs("\\ufffd", out);
        else if (*s < 0x20)
            fprintf(out, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else
            fwrite(s, 1, n, out);
        s += n ? n : 1;
    }
    putc('"', out);
}

static void json_number(FILE *out, const char *key, uint64_t v)
{
    if (v)
        fprintf(out, ",\"%s\":%llu", key, (unsigned long long)v);
}

void trace_export_json(struct tr_reader *r, FILE *out)
{
    struct tr_event e;
    struct row row;
    while (!ferror(out) && tr_reader_next(r, &e)) {
        fill(r, &e, &row);
        fprintf(out, "{\"n\":%llu,\"time_ns\":%lld,\"event\":\"%s\"", (unsigned long long)e.n,
                (long long)e.time, tr_type_name(e.type));
        if (e.m != UINT32_MAX)
            fprintf(out, ",\"m\":%u", e.m);
        if (e.p != TR_NO_P)
            fprintf(out, ",\"p\":%d", e.p);
        json_number(out, "g", e.g);
        json_number(out, "by", e.by);
        json_number(out, "arg", e.arg);
        json_text(out, "reason", row.reason);
        json_text(out, "object", row.object);
        json_text(out, "function", row.function);
        json_number(out, "task", e.task);
        json_text(out, "category", e.category ? e.category : "");
        json_text(out, "name", row.name);
        json_text(out, "place", row.place);
        fputs("}\n", out);
    }
}
