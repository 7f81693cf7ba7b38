/* env.c - see env.h.  A program must not die of a setting, and must not ignore it silently either:
 * one line says what was wrong and what is done instead. */
#include "env.h"
#include "print.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct env env = {.traceback = TRACEBACK_SINGLE};

static bool parse_u64(const char *s, uint64_t *ret, const char **ret_end)
{
    uint64_t v = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return false;
    *ret_end = p;
    *ret = v;
    return p != s;
}

bool env_parse_size(const char *s, uint64_t *ret_bytes)
{
    const char *end;
    uint64_t v;
    if (!parse_u64(s, &v, &end))
        return false;
    unsigned shift = 0;
    if (*end == 'k' || *end == 'K')
        shift = 10;
    else if (*end == 'm' || *end == 'M')
        shift = 20;
    else if (*end == 'g' || *end == 'G')
        shift = 30;
    if (end[shift != 0] || v > UINT64_MAX >> shift)
        return false;
    *ret_bytes = v << shift;
    return true;
}

static void read_maxprocs(const char *s)
{
    const char *end;
    uint64_t n;
    if (parse_u64(s, &n, &end) && !*end && n > 0)
        env.maxprocs = n > 1u << 20 ? 1u << 20 : (uint32_t)n;
    else
        rt_printf(2, "goshawk: GOMAXPROCS=%s is not a number of processors (1 or more); ignored\n",
                  s);
}

static void read_traceback(const char *s)
{
    static const char *const names[] = {"none", "single", "all", "system", "crash"};
    for (int i = 0; i < 5; i++)
        if (!strcmp(s, names[i])) {
            env.traceback = (enum traceback)i;
            return;
        }
    if (s[0] >= '0' && s[0] <= '2' && !s[1]) /* Go's numbers */
        env.traceback = (enum traceback)(s[0] - '0' + (s[0] > '0'));
    else
        rt_printf(
            2, "goshawk: GOTRACEBACK=%s is not one of none, single, all, system, crash; ignored\n",
            s);
}

static void read_seed(const char *s)
{
    const char *end;
    uint64_t seed;
    env.seeded = parse_u64(s, &seed, &end) && !*end;
    if (env.seeded)
        env.seed = seed;
    else
        rt_printf(2, "goshawk: GOSHAWK_SEED=%s is not a number; ignored\n", s);
}

static void read_stack(const char *s)
{
    if (!env_parse_size(s, &env.stack_bytes))
        rt_printf(2, "goshawk: GOSHAWK_STACK=%s is not a size such as 256k or 1M; ignored\n", s);
}

static void read_flight(const char *s)
{
    if (!env_parse_size(s, &env.flight_bytes))
        rt_printf(2, "goshawk: GOSHAWK_FLIGHT=%s is not a size such as 512k or 16M; ignored\n", s);
}

static void read_flight_file(const char *s)
{
    env.flight_file = s;
}

/* One of the items of GOSHAWK_DEBUG, which are separated by commas. */
static bool read_debug_item(const char *s, size_t n)
{
    static const char trace[] = "schedtrace=";
    const char *end;
    uint64_t ms;
    static const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"migrate", &env.migrate}, {"preempt", &env.preempt}};
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strlen(flags[i].name) == n && !memcmp(s, flags[i].name, n)) {
            *flags[i].flag = true;
            return true;
        }
    if (strncmp(s, trace, sizeof trace - 1) != 0 || !parse_u64(s + sizeof trace - 1, &ms, &end) ||
        end != s + n || ms > UINT32_MAX)
        return false;
    env.schedtrace_ms = (uint32_t)ms;
    return true;
}

static void read_debug(const char *s)
{
    for (size_t n; *s; s += n + (s[n] == ',')) {
        n = strcspn(s, ",");
        if (n && !read_debug_item(s, n))
            rt_printf(2,
                      "goshawk: GOSHAWK_DEBUG=%.*s is not known (migrate, preempt and "
                      "schedtrace=MS are); ignored\n",
                      (int)n, s);
    }
}

void env_read(void)
{
    static const struct {
        const char *name;
        void (*read)(const char *);
    } vars[] = {
        {"GOMAXPROCS", read_maxprocs},
        {"GOTRACEBACK", read_traceback},
        {"GOSHAWK_SEED", read_seed},
        {"GOSHAWK_STACK", read_stack},
        {"GOSHAWK_DEBUG", read_debug},
        {"GOSHAWK_FLIGHT", read_flight},
        {"GOSHAWK_FLIGHT_FILE", read_flight_file},
    };
    for (unsigned i = 0; i < sizeof vars / sizeof *vars; i++) {
        const char *s = getenv(vars[i].name);
        if (s && *s)
            vars[i].read(s);
    }
    env.migrate &= !env.seeded; /* which thread runs what is not up to the seed */
}

const char *env_reproduce(void)
{
    static char text[80];
    if (!env.seeded)
        return NULL;
    snprintf(text, sizeof text, "%sGOSHAWK_SEED=%llu", env.preempt ? "GOSHAWK_DEBUG=preempt " : "",
             (unsigned long long)env.seed);
    return text;
}
