/* int_static.c - interceptors of functions that keep something in libc's own memory: their result,
 * the place where they go on, the environment.
 *
 * glibc's manual calls them "MT-Unsafe race:..." ("POSIX Safety Concepts"): two threads that call
 * one of them have a race, and so have one that calls and one that still reads an earlier result.
 * setenv() and its kin take a lock, but not getenv(): only the two of them race.  lgamma() is left
 * out: signgam, which it sets, is what hardly any program looks at. */
#include "int_table.h"
#include <grp.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <pwd.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STRUCT(type, name, parameters, arguments, before) \
    CALL(type *, name, parameters, arguments, before, r, WRITES(r))
#define TEXT(name, parameters, arguments, before) \
    CALL(char *, name, parameters, arguments, before, r, writes_text(PC, r))

/* ---- results ---- */

STRUCT(struct tm, gmtime, (const time_t *t), (t), READS(t))
STRUCT(struct tm, localtime, (const time_t *t), (t), READS(t))
TEXT(asctime, (const struct tm *d), (d), READS(d))
TEXT(ctime, (const time_t *t), (t), READS(t))

STRUCT(struct passwd, getpwnam, (const char *name), (name), reads_text(PC, name))
STRUCT(struct passwd, getpwuid, (uid_t id), (id), NOTHING)
STRUCT(struct passwd, getpwent, (void), (), NOTHING)
STRUCT(struct group, getgrnam, (const char *name), (name), reads_text(PC, name))
STRUCT(struct group, getgrgid, (gid_t id), (id), NOTHING)
STRUCT(struct group, getgrent, (void), (), NOTHING)

STRUCT(struct hostent, gethostbyname, (const char *name), (name), reads_text(PC, name))
STRUCT(struct hostent, gethostbyname2, (const char *name, int family), (name, family),
       reads_text(PC, name))
STRUCT(struct hostent, gethostbyaddr, (const void *p, socklen_t n, int family), (p, n, family),
       reads(PC, p, n))
STRUCT(struct servent, getservbyname, (const char *name, const char *protocol), (name, protocol),
       (reads_text(PC, name), reads_text(PC, protocol)))
STRUCT(struct servent, getservbyport, (int port, const char *protocol), (port, protocol),
       reads_text(PC, protocol))
STRUCT(struct protoent, getprotobyname, (const char *name), (name), reads_text(PC, name))
STRUCT(struct protoent, getprotobynumber, (int number), (number), NOTHING)
STRUCT(struct ether_addr, ether_aton, (const char *s), (s), reads_text(PC, s))
TEXT(ether_ntoa, (const struct ether_addr *d), (d), READS(d))

TEXT(ttyname, (int fd), (fd), NOTHING)
TEXT(ptsname, (int fd), (fd), NOTHING)
TEXT(getlogin, (void), (), NOTHING)
TEXT(l64a, (long v), (v), NOTHING)
TEXT(ecvt, (double v, int n, int *restrict point, int *restrict sign), (v, n, point, sign),
     (WRITES(point), WRITES(sign)))
TEXT(fcvt, (double v, int n, int *restrict point, int *restrict sign), (v, n, point, sign),
     (WRITES(point), WRITES(sign)))
TEXT(tmpnam, (char p[L_tmpnam]), (p), NOTHING)

/* ---- where they go on ---- */

/* Of strtok(): whatever library calls it comes here. */
static char *strtok_position;

INTERCEPT(char *, strtok, (char *restrict s, const char *restrict set))
{
    struct rc_ctx *c = watched_from(PC);
    char *from = s ? s : strtok_position;
    char *token = rt_real_strtok_r(s, set, &strtok_position);
    if (!c)
        return token;
    saw_read(c, set, rt_real_strlen(set) + 1, PC);
    saw_write(c, &strtok_position, sizeof strtok_position, PC);
    if (from)
        saw_read(c, from, (size_t)(strtok_position - from) + (token == NULL), PC);
    if (token && strtok_position > token && strtok_position[-1] == 0)
        saw_write(c, strtok_position - 1, 1, PC);
    return token;
}

/* These stand for what lies somewhere in libc. */
static char drand48_state, hsearch_table;

CALL(double, drand48, (void), (), WRITES(&drand48_state), false, NOTHING)
CALL(long, lrand48, (void), (), WRITES(&drand48_state), false, NOTHING)
CALL(long, mrand48, (void), (), WRITES(&drand48_state), false, NOTHING)
INTERCEPT(void, srand48, (long seed))
{
    WRITES(&drand48_state);
    rt_real_srand48(seed);
}

CALL(int, hcreate, (size_t n), (n), WRITES(&hsearch_table), false, NOTHING)
INTERCEPT(void, hdestroy, (void))
{
    WRITES(&hsearch_table);
    rt_real_hdestroy();
}
INTERCEPT(ENTRY *, hsearch, (ENTRY e, ACTION what))
{
    reads_text(PC, e.key);
    (what == ENTER ? writes : reads)(PC, &hsearch_table, 1);
    return rt_real_hsearch(e, what);
}

/* ---- the environment ---- */

static char environment_lock; /* stands for libc's */

static void changes_environment(uintptr_t pc)
{
    struct rc_ctx *c = watched_from(pc);
    if (!c)
        return;
    rc_acquire(c, &environment_lock);
    saw_write(c, &environ, sizeof environ, pc);
    rc_release_merge(c, &environment_lock);
}

CALL(char *, getenv, (const char *name), (name), (reads_text(PC, name), READS(&environ)), false,
     NOTHING)
CALL(char *, secure_getenv, (const char *name), (name), (reads_text(PC, name), READS(&environ)),
     false, NOTHING)
CALL(int, setenv, (const char *name, const char *value, int replace), (name, value, replace),
     (reads_text(PC, name), reads_text(PC, value), changes_environment(PC)), false, NOTHING)
CALL(int, putenv, (char *text), (text), (reads_text(PC, text), changes_environment(PC)), false,
     NOTHING)
CALL(int, unsetenv, (const char *name), (name), (reads_text(PC, name), changes_environment(PC)),
     false, NOTHING)
CALL(int, clearenv, (void), (), changes_environment(PC), false, NOTHING)
