/* int_fill.c - more interceptors of calls that read names of files, or fill in what the caller
 * gives them: descriptors and terminals, users and groups, random numbers, attributes of threads,
 * wide characters. */
#include "int_table.h"
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <ifaddrs.h>
#include <math.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>
#include <wordexp.h>

/* ---- names of files ---- */

/* The mode is there only with some of the flags. */
#define MODE_OF(flags)                           \
    mode_t mode = 0;                             \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {     \
        va_list ap;                              \
        va_start(ap, flags);                     \
        mode = (mode_t)va_arg(ap, unsigned int); \
        va_end(ap);                              \
    }
#define OPEN(name_)                                        \
    INTERCEPT(int, name_, (const char *name, int fl, ...)) \
    {                                                      \
        MODE_OF(fl)                                        \
        reads_text(PC, name);                              \
        return rt_real_##name_(name, fl, mode);            \
    }
#define OPENAT(name_)                                               \
    INTERCEPT(int, name_, (int dir, const char *name, int fl, ...)) \
    {                                                               \
        MODE_OF(fl)                                                 \
        reads_text(PC, name);                                       \
        return rt_real_##name_(dir, name, fl, mode);                \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define NAMES(result, name_, parameters, arguments) \
    CALL(result, name_, parameters, arguments, reads_text(PC, name), false, NOTHING)
#define NAMES_TWO(name_, parameters, arguments)                                                \
    CALL(int, name_, parameters, arguments, (reads_text(PC, from), reads_text(PC, to)), false, \
         NOTHING)
NAMES(int, creat, (const char *name, mode_t mode), (name, mode))
NAMES(int, creat64, (const char *name, mode_t mode), (name, mode))
NAMES(DIR *, opendir, (const char *name), (name))
NAMES(int, unlinkat, (int dir, const char *name, int fl), (dir, name, fl))
NAMES(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
NAMES(int, faccessat, (int dir, const char *name, int mode, int fl), (dir, name, mode, fl))
NAMES(int, chown, (const char *name, uid_t u, gid_t g), (name, u, g))
NAMES(int, lchown, (const char *name, uid_t u, gid_t g), (name, u, g))
NAMES(int, truncate, (const char *name, off_t n), (name, n))
NAMES(int, mkfifo, (const char *name, mode_t mode), (name, mode))
NAMES_TWO(link, (const char *from, const char *to), (from, to))
NAMES_TWO(symlink, (const char *from, const char *to), (from, to))
NAMES_TWO(renameat, (int d, const char *from, int e, const char *to), (d, from, e, to))
CALL(FILE *, freopen, (const char *restrict name, const char *restrict mode, FILE *restrict s),
     (name, mode, s), (reads_text(PC, name), reads_text(PC, mode)), false, NOTHING)
CALL(int, fstatat, (int dir, const char *restrict name, struct stat *restrict d, int fl),
     (dir, name, d, fl), reads_text(PC, name), r == 0, WRITES(d))
CALL(int, fstatat64, (int dir, const char *restrict name, struct stat64 *restrict d, int fl),
     (dir, name, d, fl), reads_text(PC, name), r == 0, WRITES(d))
CALL(ssize_t, readlinkat, (int dir, const char *restrict name, char *restrict p, size_t n),
     (dir, name, p, n), reads_text(PC, name), r > 0, writes(PC, p, (size_t)r))
CALL(int, mkstemp, (char *name), (name), NOTHING, r >= 0, writes_text(PC, name))
CALL(int, mkstemp64, (char *name), (name), NOTHING, r >= 0, writes_text(PC, name))
CALL(int, mkostemp, (char *name, int fl), (name, fl), NOTHING, r >= 0, writes_text(PC, name))
CALL(char *, mkdtemp, (char *name), (name), NOTHING, r, writes_text(PC, name))
CALL(ssize_t, getxattr, (const char *name, const char *key, void *p, size_t n), (name, key, p, n),
     (reads_text(PC, name), reads_text(PC, key)), r > 0 && n > 0, writes(PC, p, (size_t)r))
CALL(ssize_t, fgetxattr, (int fd, const char *key, void *p, size_t n), (fd, key, p, n),
     reads_text(PC, key), r > 0 && n > 0, writes(PC, p, (size_t)r))
CALL(ssize_t, listxattr, (const char *name, char *p, size_t n), (name, p, n), reads_text(PC, name),
     r > 0 && n > 0, writes(PC, p, (size_t)r))

/* Directories: an entry that is copied; lists, whose parts are new memory that nobody else has. */
CALL(int, readdir_r, (DIR * d, struct dirent *e, struct dirent **found), (d, e, found), NOTHING,
     r == 0, (*found ? writes(PC, e, (*found)->d_reclen) : NOTHING, WRITES(found)))
CALL(int, glob, (const char *restrict s, int fl, int (*fn)(const char *, int), glob_t *restrict d),
     (s, fl, fn, d), reads_text(PC, s), r == 0, WRITES(d))
CALL(int, wordexp, (const char *restrict s, wordexp_t *restrict d, int fl), (s, d, fl),
     reads_text(PC, s), r == 0, WRITES(d))
CALL(int, scandir,
     (const char *restrict name, struct dirent ***restrict d, int (*want)(const struct dirent *),
      int (*order)(const struct dirent **, const struct dirent **)),
     (name, d, want, order), reads_text(PC, name), r >= 0, WRITES(d))
FILLS(getifaddrs, (struct ifaddrs * *d), (d), d)

/* ---- descriptors and terminals ---- */

enum { KERNEL_TERMIOS = 36 }; /* the kernel's struct termios is shorter than libc's */

/* How many bytes of its argument a request reads and writes. */
static void ioctl_takes(unsigned long request, size_t *ret_reads, size_t *ret_writes)
{
    unsigned dir = _IOC_DIR(request);
    *ret_reads = *ret_writes = 0;
    switch (request) {
    case FIONREAD:
    case TIOCOUTQ:
    case TIOCGPGRP:
        *ret_writes = sizeof(int);
        return;
    case FIONBIO:
    case FIOASYNC:
    case TIOCSPGRP:
        *ret_reads = sizeof(int);
        return;
    case TIOCGWINSZ:
        *ret_writes = sizeof(struct winsize);
        return;
    case TIOCSWINSZ:
        *ret_reads = sizeof(struct winsize);
        return;
    case TCGETS:
        *ret_writes = KERNEL_TERMIOS;
        return;
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        *ret_reads = KERNEL_TERMIOS;
        return;
    default: /* a number that says it; 0: an old one, of which nothing is known */
        *ret_reads = dir & _IOC_WRITE ? _IOC_SIZE(request) : 0;
        *ret_writes = dir & _IOC_READ ? _IOC_SIZE(request) : 0;
    }
}

INTERCEPT(int, ioctl, (int fd, unsigned long request, ...))
{
    va_list ap;
    va_start(ap, request);
    void *p = va_arg(ap, void *);
    va_end(ap);
    size_t n_reads, n_writes;
    ioctl_takes(request, &n_reads, &n_writes);
    if (n_reads)
        reads(PC, p, n_reads);
    int r = rt_real_ioctl(fd, request, p);
    if (r >= 0 && n_writes)
        writes(PC, p, n_writes);
    return r;
}

FILLS(tcgetattr, (int fd, struct termios *d), (fd, d), d)
CALL(int, tcsetattr, (int fd, int when, const struct termios *d), (fd, when, d), READS(d), false,
     NOTHING)
CALL(int, ttyname_r, (int fd, char *p, size_t n), (fd, p, n), NOTHING, r == 0, writes_text(PC, p))
CALL(int, ptsname_r, (int fd, char *p, size_t n), (fd, p, n), NOTHING, r == 0, writes_text(PC, p))
FILLS(timerfd_gettime, (int fd, struct itimerspec *d), (fd, d), d)
CALL(int, timerfd_settime, (int fd, int fl, const struct itimerspec *t, struct itimerspec *was),
     (fd, fl, t, was), READS(t), r == 0, WRITES(was))

/* ---- users and groups ---- */

static void writes_user(uintptr_t pc, const struct passwd *d)
{
    writes(pc, d, sizeof *d);
    writes_text(pc, d->pw_name);
    writes_text(pc, d->pw_passwd);
    writes_text(pc, d->pw_gecos);
    writes_text(pc, d->pw_dir);
    writes_text(pc, d->pw_shell);
}

static void writes_group(uintptr_t pc, const struct group *d)
{
    writes(pc, d, sizeof *d);
    writes_text(pc, d->gr_name);
    writes_text(pc, d->gr_passwd);
}

#define ENTRY_OF(name, type, key, argument, before, tell)                                     \
    CALL(int, name, (key, type *restrict d, char *restrict p, size_t n, type **restrict ret), \
         (argument, d, p, n, ret), before, r == 0, (*ret ? tell(PC, *ret) : NOTHING, WRITES(ret)))
ENTRY_OF(getpwnam_r, struct passwd, const char *restrict name, name, reads_text(PC, name),
         writes_user)
ENTRY_OF(getpwuid_r, struct passwd, uid_t id, id, NOTHING, writes_user)
ENTRY_OF(getgrnam_r, struct group, const char *restrict name, name, reads_text(PC, name),
         writes_group)
ENTRY_OF(getgrgid_r, struct group, gid_t id, id, NOTHING, writes_group)
CALL(int, getresuid, (uid_t * a, uid_t *b, uid_t *c), (a, b, c), NOTHING, r == 0,
     (WRITES(a), WRITES(b), WRITES(c)))
CALL(int, getresgid, (gid_t * a, gid_t *b, gid_t *c), (a, b, c), NOTHING, r == 0,
     (WRITES(a), WRITES(b), WRITES(c)))
CALL(int, getlogin_r, (char *p, size_t n), (p, n), NOTHING, r == 0, writes_text(PC, p))

/* ---- the machine and its threads ---- */

FILLS(sysinfo, (struct sysinfo * d), (d), d)
CALL(size_t, confstr, (int k, char *p, size_t n), (k, p, n), NOTHING, r > 0 && n > 0,
     writes(PC, p, r < n ? r : n))
CALL(int, prlimit, (pid_t pid, __rlimit_resource_t k, const struct rlimit *now, struct rlimit *was),
     (pid, k, now, was), READS(now), r == 0, WRITES(was))
CALL(int, clock_settime, (clockid_t k, const struct timespec *t), (k, t), READS(t), false, NOTHING)
FILLS(clock_getcpuclockid, (pid_t pid, clockid_t *d), (pid, d), d)
FILLS(pthread_getcpuclockid, (pthread_t t, clockid_t *d), (t, d), d)
FILLS(sched_getparam, (pid_t pid, struct sched_param *d), (pid, d), d)
CALL(int, pthread_getschedparam, (pthread_t t, int *policy, struct sched_param *d), (t, policy, d),
     NOTHING, r == 0, (WRITES(policy), WRITES(d)))
CALL(int, pthread_getname_np, (pthread_t t, char *p, size_t n), (t, p, n), NOTHING, r == 0,
     writes_text(PC, p))
FILLS(pthread_attr_getdetachstate, (const pthread_attr_t *a, int *d), (a, d), d)
FILLS(pthread_attr_getstacksize, (const pthread_attr_t *restrict a, size_t *restrict d), (a, d), d)
FILLS(pthread_attr_getguardsize, (const pthread_attr_t *restrict a, size_t *restrict d), (a, d), d)
FILLS(pthread_mutexattr_gettype, (const pthread_mutexattr_t *restrict a, int *restrict d), (a, d),
      d)
FILLS(sigandset, (sigset_t * d, const sigset_t *a, const sigset_t *b), (d, a, b), d)
FILLS(sigorset, (sigset_t * d, const sigset_t *a, const sigset_t *b), (d, a, b), d)

/* ---- numbers ---- */

CALL(time_t, timegm, (struct tm * d), (d), READS(d), r != -1, WRITES(d))
CALL(int, random_r, (struct random_data *restrict b, int32_t *restrict d), (b, d), NOTHING, r == 0,
     (WRITES(b), WRITES(d)))
CALL(int, srandom_r, (unsigned seed, struct random_data *b), (seed, b), NOTHING, r == 0, WRITES(b))
CALL(int, drand48_r, (struct drand48_data *restrict b, double *restrict d), (b, d), NOTHING, r == 0,
     (WRITES(b), WRITES(d)))
CALL(int, lrand48_r, (struct drand48_data *restrict b, long *restrict d), (b, d), NOTHING, r == 0,
     (WRITES(b), WRITES(d)))
CALL(int, srand48_r, (long seed, struct drand48_data *b), (seed, b), NOTHING, r == 0, WRITES(b))
#define XSUBI (writes(PC, x, 3 * sizeof *x))
CALL(double, erand48, (unsigned short x[3]), (x), XSUBI, false, NOTHING)
CALL(long, nrand48, (unsigned short x[3]), (x), XSUBI, false, NOTHING)
CALL(long, jrand48, (unsigned short x[3]), (x), XSUBI, false, NOTHING)
CALL(long double, frexpl, (long double v, int *e), (v, e), NOTHING, true, WRITES(e))
CALL(long double, modfl, (long double v, long double *whole), (v, whole), NOTHING, true,
     WRITES(whole))
CALL(float, remquof, (float v, float by, int *d), (v, by, d), NOTHING, true, WRITES(d))
CALL(float, lgammaf_r, (float v, int *d), (v, d), NOTHING, true, WRITES(d))

/* ---- wide characters ---- */

#define FAILED ((size_t)-1)

CALL(size_t, mbrtowc,
     (wchar_t *restrict d, const char *restrict s, size_t n, mbstate_t *restrict state),
     (d, s, n, state), NOTHING, r <= n,
     (reads(PC, s, r ? r : 1), s ? WRITES(d) : NOTHING, WRITES(state)))
CALL(size_t, wcrtomb, (char *restrict d, wchar_t v, mbstate_t *restrict state), (d, v, state),
     NOTHING, r != FAILED, (writes(PC, d, r), WRITES(state)))
CALL(int, mbtowc, (wchar_t *restrict d, const char *restrict s, size_t n), (d, s, n), NOTHING,
     r >= 0, (reads(PC, s, r ? (size_t)r : 1), s ? WRITES(d) : NOTHING))
CALL(int, wctomb, (char *d, wchar_t v), (d, v), NOTHING, r > 0, writes(PC, d, (size_t)r))

/* Until the end of the text, where *s becomes NULL, or to where *s has come. */
INTERCEPT(size_t, mbsrtowcs,
          (wchar_t *restrict d, const char **restrict s, size_t n, mbstate_t *restrict state))
{
    const char *from = *s;
    size_t r = rt_real_mbsrtowcs(d, s, n, state);
    if (!d || r == FAILED)
        return r;
    reads(PC, from, *s ? (size_t)(*s - from) : rt_real_strlen(from) + 1);
    writes(PC, d, (r + !*s) * sizeof *d);
    WRITES(s);
    return r;
}

INTERCEPT(size_t, wcsrtombs,
          (char *restrict d, const wchar_t **restrict s, size_t n, mbstate_t *restrict state))
{
    const wchar_t *from = *s;
    size_t r = rt_real_wcsrtombs(d, s, n, state);
    if (!d || r == FAILED)
        return r;
    reads(PC, from, (*s ? (size_t)(*s - from) : rt_real_wcslen(from) + 1) * sizeof *from);
    writes(PC, d, r + !*s);
    WRITES(s);
    return r;
}

CALL(wchar_t *, wcsdup, (const wchar_t *s), (s), reads(PC, s, (rt_real_wcslen(s) + 1) * sizeof *s),
     false, NOTHING)
CALL(int, vswprintf, (wchar_t *restrict d, size_t n, const wchar_t *restrict f, va_list ap),
     (d, n, f, ap), reads(PC, f, (rt_real_wcslen(f) + 1) * sizeof *f), r >= 0, writes_wide(PC, d))
INTERCEPT(int, swprintf, (wchar_t *restrict d, size_t n, const wchar_t *restrict f, ...))
{
    va_list ap;
    va_start(ap, f);
    reads(PC, f, (rt_real_wcslen(f) + 1) * sizeof *f);
    int r = rt_real_vswprintf(d, n, f, ap);
    va_end(ap);
    if (r >= 0)
        writes_wide(PC, d);
    return r;
}
