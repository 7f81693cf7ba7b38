/* fuzz_race_text.c - what users write for the detector, under libFuzzer: GORACE, suppressions, and
 * logs for goshawk race export.  No input may make a parser crash, hang or go out of bounds.
 *
 *   CC=clang meson setup build-fuzz && ninja -C build-fuzz tests/race/fuzz_race_text
 *   build-fuzz/tests/race/fuzz_race_text -max_total_time=60 -max_len=4096
 *
 * The first byte chooses the parser.  Every pattern that was read is also matched, against a slow
 * matcher of the same language. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/main_double.h"
#include "flags.h"
#include "race_log.h"
#include "race_sarif.h"
#include "suppress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned complaints;

static void complain(const char *line)
{
    if (!strchr(line, '\n'))
        abort();
    complaints++;
}

static void options(const char *text)
{
    static struct rc_flags f;
    complaints = 0;
    int wrong = rc_flags_parse(&f, text, complain);
    if ((unsigned)wrong != complaints || f.exitcode < 0 || f.exitcode > 255 || f.format > 1 ||
        !memchr(f.suppressions, 0, sizeof f.suppressions))
        abort();
}

/* Does a prefix of name (all of it: whole) match the pattern, in which only stars are special? */
static bool slow(const char *pattern, const char *end, const char *name, bool whole)
{
    if (pattern == end)
        return !whole || !*name;
    if (*pattern == '*')
        return slow(pattern + 1, end, name, whole) ||
               (*name && slow(pattern, end, name + 1, whole));
    return *name == *pattern && slow(pattern + 1, end, name + 1, whole);
}

static bool slow_matches(const char *pattern, const char *name)
{
    bool from_start = *pattern == '^';
    pattern += from_start;
    size_t n = strlen(pattern);
    bool to_end = n > 0 && pattern[n - 1] == '$';
    for (;; name++) {
        if (slow(pattern, pattern + n - to_end, name, to_end))
            return true;
        if (from_start || !*name)
            return false;
    }
}

/* "pattern NUL name", short, because the slow one is exponential. */
static void match(const char *text, size_t size)
{
    const char *pattern = text, *name = text + strlen(text);
    if (name == text + size || size > 20)
        return;
    name++;
    if (rc_suppress_matches(pattern, name) != slow_matches(pattern, name))
        abort();
}

static void suppressions(char *text)
{
    complaints = 0;
    if ((unsigned)rc_suppress_add(text, "fuzz", complain) != complaints)
        abort();
    for (int k = 0; k < RC_SUPPRESS_KINDS; k++)
        rc_suppressed((enum rc_suppress_kind)k, "some_function_name");
}

static void log_of_reports(const char *text, size_t size)
{
    int line;
    struct json *reports = json_array(NULL, NULL);
    race_log_read(text, size, reports, &line);
    char *buf;
    size_t n;
    FILE *out = open_memstream(&buf, &n);
    race_sarif_write(reports, "/", out);
    fclose(out);
    const char *error;
    struct json *again = json_parse(buf, n, &error);
    if (!again && strcmp(error, "nested too deep") != 0)
        abort();
    json_free(again);
    json_free(reports);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size); /* exactly, so that a read beyond it is seen */
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] % 4 == 0) {
        options(text);
        free(text);
    } else if (data[0] % 4 == 1) {
        match(text, size - 1);
        free(text);
    } else if (data[0] % 4 == 2) {
        suppressions(text); /* keeps it */
    } else {
        text = realloc(text, size - 1 ? size - 1 : 1);
        log_of_reports(text, size - 1);
        free(text);
    }
    return 0;
}
