/* suppress.c - see suppress.h.
 *
 * Patterns live in the file's own text, in one list; they are read once at the start and never
 * change after that, so that looking needs no lock. */
#include "suppress.h"
#include "atomic.h"
#include "print.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pattern {
    struct pattern *next;
    const char *text;
    unsigned hits; /* reports that it has kept back */
};

static struct pattern *patterns[RC_SUPPRESS_KINDS];

static const char *const kind_names[RC_SUPPRESS_KINDS] = {
    [RC_SUPPRESS_RACE] = "race",           [RC_SUPPRESS_RACE_TOP] = "race_top",
    [RC_SUPPRESS_THREAD] = "thread",       [RC_SUPPRESS_MUTEX] = "mutex",
    [RC_SUPPRESS_DEADLOCK] = "deadlock",   [RC_SUPPRESS_SIGNAL] = "signal",
    [RC_SUPPRESS_LIB] = "called_from_lib",
};

/* Does name begin with the n bytes of pattern?  They hold no star. */
static bool begins(const char *name, const char *pattern, size_t n)
{
    return strncmp(name, pattern, n) == 0;
}

static const char *find(const char *name, const char *piece, size_t n)
{
    for (; *name; name++)
        if (begins(name, piece, n))
            return name;
    return n == 0 ? name : NULL;
}

/* The pieces between stars must occur one after the other; each is taken as early as it occurs, the
 * last one, if the pattern ends in $, as late. */
bool rc_suppress_matches(const char *pattern, const char *name)
{
    bool anchored = *pattern == '^';
    pattern += anchored;
    size_t len = strlen(pattern);
    bool at_end = len > 0 && pattern[len - 1] == '$';
    const char *end = pattern + len - at_end;
    for (bool first = true;; first = false) {
        size_t n = strcspn(pattern, "*");
        if (n > (size_t)(end - pattern))
            n = (size_t)(end - pattern);
        bool last = pattern + n == end;
        const char *at;
        if (last && at_end) {
            size_t rest = strlen(name);
            if (rest < n || (first && anchored && rest != n))
                return false;
            return begins(name + rest - n, pattern, n);
        }
        if (first && anchored)
            at = begins(name, pattern, n) ? name : NULL;
        else
            at = find(name, pattern, n);
        if (!at)
            return false;
        if (last)
            return true;
        name = at + n;
        pattern += n + 1;
    }
}

static bool add_line(char *line)
{
    char *colon = strchr(line, ':');
    for (int k = 0; colon && k < RC_SUPPRESS_KINDS; k++) {
        size_t n = (size_t)(colon - line);
        if (strlen(kind_names[k]) != n || memcmp(kind_names[k], line, n) != 0)
            continue;
        struct pattern *p = colon[1] ? malloc(sizeof *p) : NULL;
        if (!p)
            return false;
        *p = (struct pattern){patterns[k], colon + 1, 0};
        patterns[k] = p;
        return true;
    }
    return false;
}

static void complain_line(const char *origin, int number, const char *line,
                          void (*complain)(const char *))
{
    char buf[512];
    struct text t;
    text_init(&t, buf, sizeof buf);
    text_printf(&t, "goshawk: %.200s:%d: not a suppression: %.80s; they are", origin, number, line);
    for (int k = 0; k < RC_SUPPRESS_KINDS; k++)
        text_printf(&t, " %s:", kind_names[k]);
    text_printf(&t, "\n");
    complain(buf);
}

/* Cuts blanks off both ends. */
static char *trimmed(char *s)
{
    s += strspn(s, " \t\r");
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r", s[n - 1]))
        s[--n] = 0;
    return s;
}

int rc_suppress_add(char *text, const char *origin, void (*complain)(const char *line))
{
    int wrong = 0, number = 0;
    while (text) {
        char *next = strchr(text, '\n');
        if (next)
            *next++ = 0;
        char *line = trimmed(text);
        number++;
        if (*line && *line != '#' && !add_line(line)) {
            complain_line(origin, number, line, complain);
            wrong++;
        }
        text = next;
    }
    return wrong;
}

static void complain_on_stderr(const char *line)
{
    rt_write(2, line, strlen(line));
}

/* The whole file, ended by 0; NULL with errno set. */
static char *read_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = fstat(fd, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    size_t n = 0;
    while (text && n < (size_t)st.st_size) {
        ssize_t k = read(fd, text + n, (size_t)st.st_size - n);
        if (k <= 0) {
            if (k < 0 && errno == EINTR)
                continue;
            if (k < 0) {
                free(text);
                text = NULL;
            }
            break;
        }
        n += (size_t)k;
    }
    if (text)
        text[n] = 0;
    int err = errno;
    close(fd);
    errno = err;
    return text;
}

void rc_suppress_load(const char *path)
{
    char *text = read_file(path);
    if (text)
        rc_suppress_add(text, path, complain_on_stderr);
    else
        rt_printf(2, "goshawk: GORACE: suppressions=%.300s: %s; nothing is suppressed\n", path,
                  strerror(errno));
}

bool rc_suppressed(enum rc_suppress_kind kind, const char *name)
{
    for (struct pattern *p = patterns[kind]; name && p; p = p->next)
        if (rc_suppress_matches(p->text, name)) {
            at_add_rlx(&p->hits, 1u); /* relaxed: a count */
            return true;
        }
    return false;
}

void rc_suppress_each(void (*visit)(const char *kind, const char *pattern, unsigned hits, void *),
                      void *arg)
{
    for (int k = 0; k < RC_SUPPRESS_KINDS; k++)
        for (struct pattern *p = patterns[k]; p; p = p->next)
            visit(kind_names[k], p->text, at_load_rlx(&p->hits), arg); /* relaxed: a count */
}

bool rc_suppress_any(enum rc_suppress_kind kind)
{
    return patterns[kind] != NULL;
}
