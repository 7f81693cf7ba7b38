/* outlet.c - see outlet.h.
 *
 * The callback is the program's code: it runs outside of all locks of ours but the one under which
 * reports are made, on a thread that records nothing, and sees each report whether or not it is
 * printed. */
#include "outlet.h"
#include "atomic.h"
#include "flags.h"
#include "futex.h"
#include "story.h"
#include "suppress.h"
#include <stdlib.h>
#include <unistd.h>

static struct rt_lock hook_lock; /* guards hook */
static struct {
    void (*fn)(const struct rc_report *r, void *arg);
    void *arg;
} hook;

static unsigned printed; /* written by the one report at a time */

void rc_on_report(void (*fn)(const struct rc_report *r, void *arg), void *arg)
{
    rt_lock(&hook_lock);
    hook.fn = fn;
    hook.arg = arg;
    rt_unlock(&hook_lock);
}

static void tell(const struct rc_report *what)
{
    const struct rc_host *host = rc_the_host();
    if (host->on_report)
        host->on_report(what);
    rt_lock(&hook_lock);
    __typeof__(hook) h = hook;
    rt_unlock(&hook_lock);
    if (h.fn)
        h.fn(what, h.arg);
}

static void print(struct log_text *text)
{
    unsigned most = (unsigned)rc_flags()->max_reports;
    bool in_text = rc_flags()->format == RC_FORMAT_TEXT;
    if (most && printed == most) {
        struct log_text last = {0};
        if (in_text)
            log_printf(&last, "No more than %u reports are printed: GORACE=max_reports\n", most);
        log_send(&last);
    }
    printed++;
    if (most && printed > most) {
        free(text->buf);
        *text = (struct log_text){0};
        return;
    }
    if (in_text && log_in_color())
        story_color(text);
    log_send(text);
}

void outlet_send(struct log_text *text, struct rc_report what, unsigned *count)
{
    struct log_text copy = {0};
    what.text = "";
    if (text->len) {
        log_printf(&copy, "%s", text->buf);
        what.text = copy.buf ? copy.buf : "";
    }
    print(text);
    at_add_rlx(count, 1u); /* relaxed: a count */
    tell(&what);
    free(copy.buf);
}

static uint32_t watches; /* or it has been said that nothing does */

void outlet_watches(void)
{
    at_store_rlx(&watches, 1u); /* relaxed: a line in the log */
}

void outlet_unwatched(void)
{
    static const char text[] =
        "no code here was compiled for the race detector, only calls of libraries were checked; "
        "compile with goshawk cc -race (or -fsanitize=thread, and for gcc -fno-lto)";
    struct log_text out = {0};
    if (at_xchg_rlx(&watches, 1u)) /* relaxed: once is enough */
        return;
    if (rc_flags()->format == RC_FORMAT_TEXT)
        log_printf(&out, "goshawk: %s\n", text);
    else
        log_printf(&out, "{\"type\":\"warning\",\"pid\":%d,\"text\":\"%s\"}\n", (int)getpid(),
                   text);
    log_send(&out);
}

static void print_suppression(const char *kind, const char *pattern, unsigned hits, void *arg)
{
    struct log_text *out = arg;
    if (rc_flags()->format == RC_FORMAT_TEXT) {
        log_printf(out, "%8u %s:%s\n", hits, kind, pattern);
        return;
    }
    log_printf(out, "{\"type\":\"suppression\",\"pid\":%d,\"used\":%u,\"kind\":\"%s\",\"pattern\":",
               (int)getpid(), hits, kind);
    log_json(out, pattern);
    log_printf(out, "}\n");
}

void outlet_suppressions(void)
{
    static uint32_t said;
    struct log_text list = {0}, out = {0};
    if (!rc_flags()->print_suppressions || at_xchg_rlx(&said, 1u)) /* relaxed: once is enough */
        return;
    rc_suppress_each(print_suppression, &list);
    if (list.len && rc_flags()->format == RC_FORMAT_TEXT)
        log_printf(&out, "Suppressions, and how many reports each kept back:\n");
    if (list.len)
        log_printf(&out, "%s", list.buf);
    free(list.buf);
    log_send(&out);
}
