/* cmd_trace_dump.c - goshawk trace dump FILE: one event a line.
 *
 * Columns: number, time, thread, processor, goroutine, event, and what it says: objects by
 * name, stacks by the first frame of the program that is not the runtime's.  Lines that the
 * state machines do not allow end with "!" and the reason.
 *
 * A filter that asks for states or durations means the events that end such states. */
#include <stdio.h>
#include "access.h"
#include "cmd.h"
#include "trace_args.h"
#include "trace_file.h"
#include "trace_text.h"

enum { COLUMN_MAX = 24 };

static void print_text(const char *text)
{
    trace_put(stdout, text);
}

/* "M3", or "-" for what is not there. */
static const char *numbered(char buf[COLUMN_MAX], char letter, uint64_t n, bool there)
{
    if (there)
        snprintf(buf, COLUMN_MAX, "%c%llu", letter, (unsigned long long)n);
    else
        snprintf(buf, COLUMN_MAX, "-");
    return buf;
}

static void print_place(struct tr_reader *r, uint32_t stack)
{
    char place[TRACE_TEXT_MAX];
    if (*trace_place_text(place, r, stack))
        printf("  at %s", place);
}

static void print_by(const char *word, uint64_t by)
{
    if (by)
        printf("%s G%llu", word, (unsigned long long)by);
}

static void print_wait(struct tr_reader *r, const struct tr_event *e)
{
    char text[TRACE_TEXT_MAX];
    fputs(trace_wait_text(text, r, e->why, e->obj), stdout);
}

/* Tasks by number, as regions and logs name them. */
static void print_mark(const struct tr_event *e)
{
    if (e->type == TR_EV_LOG) {
        print_text(e->category);
        fputs(": ", stdout);
    }
    if (e->text)
        print_text(e->text);
    if (e->task)
        printf("%stask#%llu", e->text ? "  " : "", (unsigned long long)e->task);
    if (e->type == TR_EV_TASK_BEGIN && e->arg)
        printf(" of task#%llu", (unsigned long long)e->arg);
}

static void print_race(struct tr_reader *r, const struct tr_event *e)
{
    char text[ACCESS_TEXT_MAX];
    if (e->by)
        print_by("with", e->by);
    else
        printf("with a thread");
    printf(" at address 0x%llx", (unsigned long long)e->obj);
    if (!e->access[0].size)
        return;
    printf(", %s", access_text(text, &e->access[0]));
    print_place(r, e->stack);
    printf(", before it %s", access_text(text, &e->access[1]));
    print_place(r, e->by_stack);
    if (e->by_from >= 0)
        printf(" between %.9f and %.9f", (double)e->by_from / 1e9, (double)e->by_to / 1e9);
}

static void print_details(struct tr_reader *r, const struct tr_event *e)
{
    static const char *const states[] = {"", "runnable", "running", "blocked"};
    switch (e->type) {
    case TR_EV_GO_CREATE:
        print_text(tr_reader_function(r, e->fn));
        print_by("  by", e->by);
        print_place(r, e->stack);
        break;
    case TR_EV_GO_BLOCK:
        print_wait(r, e);
        print_place(r, e->stack);
        break;
    case TR_EV_GO_READY:
        print_wait(r, e);
        print_by("  by", e->by);
        print_place(r, e->stack);
        break;
    case TR_EV_GO_NAME:
        print_text(e->text);
        break;
    case TR_EV_P_STEAL:
        printf("%llu from P%d", (unsigned long long)e->arg, e->p);
        break;
    case TR_EV_P_RETAKE:
        printf("P%d from M%llu", e->p, (unsigned long long)e->arg);
        break;
    case TR_EV_PROCS:
        printf("%llu", (unsigned long long)e->arg);
        break;
    case TR_EV_RACE:
        print_race(r, e);
        break;
    case TR_EV_GO_STATE:
        printf("%s ", states[e->arg]);
        print_wait(r, e);
        break;
    case TR_EV_TASK_BEGIN:
    case TR_EV_TASK_END:
    case TR_EV_REGION_BEGIN:
    case TR_EV_REGION_END:
    case TR_EV_LOG:
        print_mark(e);
        break;
    case TR_EV_M_START:
        printf("thread %u", e->tid);
        break;
    default:
        break;
    }
}

static void print_event(struct tr_reader *r, const struct tr_event *e)
{
    char m[COLUMN_MAX], p[COLUMN_MAX], g[COLUMN_MAX];
    printf("%8llu %15.9f  %-4s %-4s %-7s %-13s ", (unsigned long long)e->n, (double)e->time / 1e9,
           numbered(m, 'M', e->m, e->m != UINT32_MAX), numbered(p, 'P', (uint64_t)e->p, e->p >= 0),
           numbered(g, 'G', e->g, e->g != 0), tr_type_name(e->type));
    print_details(r, e);
    if (e->wrong)
        printf("  ! %s", e->wrong);
    putchar('\n');
}

static int dump(const char *cmd, struct tr_reader *r, const struct trace_args *a)
{
    struct tr_event e;
    printf("%8s %15s  %-4s %-4s %-7s %s\n", "#", "seconds", "M", "P", "G", "event");
    while (!ferror(stdout) && tr_reader_next(r, &e) && e.time <= a->to)
        if (e.time >= a->from && tr_query_event(a->query, r, &e))
            print_event(r, &e);
    trace_file_note(cmd, r);
    return fflush(stdout) || ferror(stdout) ? cmd_failed(cmd, "cannot write the output") : CMD_OK;
}

int cmd_trace_dump(int argc, char **argv)
{
    struct tr_reader *r;
    struct trace_args a;
    const char *file = NULL;
    int code = trace_args_read(argc, argv, &a, "fq", NULL);
    if (code == CMD_OK && !(file = trace_args_file(argv[0], &a)))
        code = CMD_WRONG_USE;
    if (code == CMD_OK)
        code = trace_file_open_path(argv[0], file, &r);
    if (code == CMD_OK) {
        code = dump(argv[0], r, &a);
        tr_reader_close(r);
    }
    trace_args_fini(&a);
    return code;
}
