/* int_sys.c - interceptors of calls that fill in a structure or a buffer of the caller's: time,
 * files, sockets, limits.
 *
 * Most are one line of a table: what is read before the real call, what is written when it went
 * well. */
#define _REGEX_NELTS(n) /* no array of variable length in regexec()'s declaration */
#include "fds.h"
#include "int_table.h"
#include <arpa/inet.h>
#include <errno.h>
#include <iconv.h>
#include <math.h>
#include <netdb.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ---- time ---- */

FILLS(clock_gettime, (clockid_t k, struct timespec *t), (k, t), t)
FILLS(clock_getres, (clockid_t k, struct timespec *t), (k, t), t)
FILLS(gettimeofday, (struct timeval *restrict t, void *restrict zone), (t, zone), t)
CALL(time_t, time, (time_t * t), (t), NOTHING, r != -1, WRITES(t))
CALL(clock_t, times, (struct tms * t), (t), NOTHING, r != (clock_t)-1, WRITES(t))
CALL(struct tm *, gmtime_r, (const time_t *restrict t, struct tm *restrict d), (t, d), READS(t), r,
     WRITES(d))
CALL(struct tm *, localtime_r, (const time_t *restrict t, struct tm *restrict d), (t, d), READS(t),
     r, WRITES(d))
CALL(time_t, mktime, (struct tm * d), (d), READS(d), r != -1, WRITES(d))
CALL(char *, asctime_r, (const struct tm *restrict d, char *restrict p), (d, p), READS(d), r,
     writes_text(PC, p))
CALL(char *, ctime_r, (const time_t *restrict t, char *restrict p), (t, p), READS(t), r,
     writes_text(PC, p))
CALL(size_t, strftime,
     (char *restrict p, size_t n, const char *restrict f, const struct tm *restrict d),
     (p, n, f, d), (reads_text(PC, f), READS(d)), r > 0, writes(PC, p, r + 1))
CALL(char *, strptime, (const char *restrict s, const char *restrict f, struct tm *restrict d),
     (s, f, d), (reads_text(PC, s), reads_text(PC, f)), r, WRITES(d))
CALL(int, nanosleep, (const struct timespec *t, struct timespec *left), (t, left), READS(t), r != 0,
     WRITES(left))
CALL(int, clock_nanosleep, (clockid_t k, int fl, const struct timespec *t, struct timespec *left),
     (k, fl, t, left), READS(t), r != 0 && !(fl & TIMER_ABSTIME), WRITES(left))

/* ---- files ---- */

CALL(int, stat, (const char *restrict name, struct stat *restrict d), (name, d),
     reads_text(PC, name), r == 0, WRITES(d))
CALL(int, stat64, (const char *restrict name, struct stat64 *restrict d), (name, d),
     reads_text(PC, name), r == 0, WRITES(d))
CALL(int, lstat64, (const char *restrict name, struct stat64 *restrict d), (name, d),
     reads_text(PC, name), r == 0, WRITES(d))
FILLS(fstat64, (int fd, struct stat64 *d), (fd, d), d)
CALL(int, lstat, (const char *restrict name, struct stat *restrict d), (name, d),
     reads_text(PC, name), r == 0, WRITES(d))
FILLS(fstat, (int fd, struct stat *d), (fd, d), d)
CALL(ssize_t, readlink, (const char *restrict name, char *restrict p, size_t n), (name, p, n),
     reads_text(PC, name), r > 0, writes(PC, p, (size_t)r))
CALL(char *, realpath, (const char *restrict name, char *restrict p), (name, p),
     reads_text(PC, name), r, writes_text(PC, r))
CALL(char *, getcwd, (char *p, size_t n), (p, n), NOTHING, r, writes_text(PC, r))
CALL(int, unlink, (const char *name), (name), reads_text(PC, name), false, NOTHING)
CALL(int, rename, (const char *from, const char *to), (from, to),
     (reads_text(PC, from), reads_text(PC, to)), false, NOTHING)
CALL(FILE *, fopen, (const char *restrict name, const char *restrict mode), (name, mode),
     (reads_text(PC, name), reads_text(PC, mode)), false, NOTHING)
CALL(FILE *, fopen64, (const char *restrict name, const char *restrict mode), (name, mode),
     (reads_text(PC, name), reads_text(PC, mode)), false, NOTHING)
CALL(FILE *, fdopen, (int fd, const char *mode), (fd, mode), reads_text(PC, mode), false, NOTHING)

CALL(int, statvfs, (const char *restrict name, struct statvfs *restrict d), (name, d),
     reads_text(PC, name), r == 0, WRITES(d))
CALL(int, statvfs64, (const char *restrict name, struct statvfs64 *restrict d), (name, d),
     reads_text(PC, name), r == 0, WRITES(d))
FILLS(fstatvfs64, (int fd, struct statvfs64 *d), (fd, d), d)
FILLS(fstatvfs, (int fd, struct statvfs *d), (fd, d), d)
CALL(int, statfs, (const char *name, struct statfs *d), (name, d), reads_text(PC, name), r == 0,
     WRITES(d))
CALL(int, statfs64, (const char *name, struct statfs64 *d), (name, d), reads_text(PC, name), r == 0,
     WRITES(d))
FILLS(fstatfs64, (int fd, struct statfs64 *d), (fd, d), d)
FILLS(fstatfs, (int fd, struct statfs *d), (fd, d), d)
CALL(int, access, (const char *name, int mode), (name, mode), reads_text(PC, name), false, NOTHING)
CALL(int, mkdir, (const char *name, mode_t mode), (name, mode), reads_text(PC, name), false,
     NOTHING)
CALL(int, rmdir, (const char *name), (name), reads_text(PC, name), false, NOTHING)
CALL(int, chdir, (const char *name), (name), reads_text(PC, name), false, NOTHING)
CALL(int, chmod, (const char *name, mode_t mode), (name, mode), reads_text(PC, name), false,
     NOTHING)
CALL(int, remove, (const char *name), (name), reads_text(PC, name), false, NOTHING)

/* ---- sockets and descriptors that are waited for ---- */

static size_t least(socklen_t a, socklen_t b)
{
    return a < b ? a : b;
}

#define ADDRESS(name, after)                                                           \
    INTERCEPT(int, name, (int fd, struct sockaddr *restrict p, socklen_t *restrict n)) \
    {                                                                                  \
        socklen_t room = p && n ? *n : 0;                                              \
        if (p)                                                                         \
            READS(n);                                                                  \
        int r = rt_real_##name(fd, p, n);                                              \
        if (r >= 0 && p && n) {                                                        \
            writes(PC, p, least(*n, room));                                            \
            WRITES(n);                                                                 \
        }                                                                              \
        if (r >= 0) {                                                                  \
            after;                                                                     \
        }                                                                              \
        return r;                                                                      \
    }
ADDRESS(accept, fds_accepted(watched(), r))
ADDRESS(getsockname, NOTHING)
ADDRESS(getpeername, NOTHING)

INTERCEPT(int, accept4, (int fd, struct sockaddr *restrict p, socklen_t *restrict n, int flags))
{
    socklen_t room = p && n ? *n : 0;
    int r = rt_real_accept4(fd, p, n, flags);
    if (r >= 0 && p && n) {
        writes(PC, p, least(*n, room));
        WRITES(n);
    }
    if (r >= 0)
        fds_accepted(watched(), r);
    return r;
}

INTERCEPT(int, connect, (int fd, const struct sockaddr *p, socklen_t n))
{
    reads(PC, p, n);
    rc_fd_sends(watched(), fd);
    int r = rt_real_connect(fd, p, n), err = errno;
    fds_connected(fd);
    errno = err;
    return r;
}

INTERCEPT(int, socket, (int domain, int type, int protocol))
{
    int fd = rt_real_socket(domain, type, protocol);
    bool is_tcp = (domain == AF_INET || domain == AF_INET6) && (type & 0xf) == SOCK_STREAM;
    if (fd >= 0 && is_tcp)
        fds_socket(fd);
    return fd;
}

CALL(int, bind, (int fd, const struct sockaddr *p, socklen_t n), (fd, p, n), reads(PC, p, n), false,
     NOTHING)
CALL(int, setsockopt, (int fd, int level, int what, const void *p, socklen_t n),
     (fd, level, what, p, n), reads(PC, p, n), false, NOTHING)
CALL(int, getsockopt, (int fd, int level, int what, void *restrict p, socklen_t *restrict n),
     (fd, level, what, p, n), READS(n), r == 0, (writes(PC, p, *n), WRITES(n)))

CALL(int, inet_pton, (int family, const char *restrict s, void *restrict p), (family, s, p),
     reads_text(PC, s), r == 1, writes(PC, p, family == AF_INET6 ? 16 : 4))
CALL(const char *, inet_ntop, (int family, const void *restrict p, char *restrict s, socklen_t n),
     (family, p, s, n), reads(PC, p, family == AF_INET6 ? 16 : 4), r, writes_text(PC, s))

CALL(int, inet_aton, (const char *s, struct in_addr *d), (s, d), reads_text(PC, s), r != 0,
     WRITES(d))
CALL(int, getaddrinfo,
     (const char *restrict node, const char *restrict service,
      const struct addrinfo *restrict hints, struct addrinfo **restrict d),
     (node, service, hints, d), (reads_text(PC, node), reads_text(PC, service), READS(hints)),
     r == 0, WRITES(d))
CALL(int, getnameinfo,
     (const struct sockaddr *restrict a, socklen_t a_n, char *restrict host, socklen_t host_n,
      char *restrict service, socklen_t service_n, int fl),
     (a, a_n, host, host_n, service, service_n, fl), reads(PC, a, a_n), r == 0,
     (host_n ? writes_text(PC, host) : NOTHING, service_n ? writes_text(PC, service) : NOTHING))

/* ---- text ---- */

INTERCEPT(size_t, iconv,
          (void *k, char **restrict in, size_t *restrict in_n, char **restrict out,
           size_t *restrict out_n))
{
    const char *from = in ? *in : NULL, *to = out ? *out : NULL;
    size_t r = rt_real_iconv(k, in, in_n, out, out_n);
    if (from) {
        reads(PC, from, (size_t)(*in - from));
        WRITES(in);
        WRITES(in_n);
    }
    if (to) {
        writes(PC, to, (size_t)(*out - to));
        WRITES(out);
        WRITES(out_n);
    }
    return r;
}

INTERCEPT(int, regexec,
          (const regex_t *restrict k, const char *restrict s, size_t n,
           regmatch_t d[_Restrict_arr_], int fl))
{
    if (!(fl & REG_STARTEND))
        reads_text(PC, s);
    int r = rt_real_regexec(k, s, n, d, fl);
    if (r == 0 && !k->no_sub)
        writes(PC, d, n * sizeof *d);
    return r;
}

/* ---- the process and the machine ---- */

FILLS(uname, (struct utsname * d), (d), d)
CALL(int, gethostname, (char *p, size_t n), (p, n), NOTHING, r == 0, writes_text(PC, p))
FILLS(getrlimit, (__rlimit_resource_t k, struct rlimit *d), (k, d), d)
FILLS(getrlimit64, (__rlimit_resource_t k, struct rlimit64 *d), (k, d), d)
CALL(int, setrlimit, (__rlimit_resource_t k, const struct rlimit *d), (k, d), READS(d), false,
     NOTHING)
FILLS(getrusage, (__rusage_who_t who, struct rusage *d), (who, d), d)
CALL(ssize_t, getrandom, (void *p, size_t n, unsigned fl), (p, n, fl), NOTHING, r > 0,
     writes(PC, p, (size_t)r))
CALL(int, getentropy, (void *p, size_t n), (p, n), NOTHING, r == 0, writes(PC, p, n))
FILLS(getitimer, (__itimer_which_t which, struct itimerval *d), ((int)which, d), d)
FILLS(timer_gettime, (timer_t t, struct itimerspec *d), (t, d), d)
CALL(int, sched_getaffinity, (pid_t pid, size_t n, cpu_set_t *d), (pid, n, d), NOTHING, r == 0,
     writes(PC, d, n))
CALL(int, getloadavg, (double *d, int n), (d, n), NOTHING, r > 0,
     writes(PC, d, (size_t)r * sizeof *d))
CALL(int, getgroups, (int n, gid_t *d), (n, d), NOTHING, n > 0 && r > 0,
     writes(PC, d, (size_t)r * sizeof *d))
FILLS(sigaddset, (sigset_t * d, int sig), (d, sig), d)
FILLS(sigdelset, (sigset_t * d, int sig), (d, sig), d)
FILLS(sigpending, (sigset_t * d), (d), d)
FILLS(sigemptyset, (sigset_t * d), (d), d)
FILLS(sigfillset, (sigset_t * d), (d), d)
CALL(int, sigprocmask, (int how, const sigset_t *restrict now, sigset_t *restrict was),
     (how, now, was), READS(now), r == 0, WRITES(was))
CALL(int, pthread_sigmask, (int how, const sigset_t *now, sigset_t *was), (how, now, was),
     READS(now), r == 0, WRITES(was))
CALL(int, rand_r, (unsigned *seed), (seed), READS(seed), true, WRITES(seed))
FILLS(sem_getvalue, (sem_t *restrict s, int *restrict v), (s, v), v)
INTERCEPT(char *, strerror_r, (int err, char *p, size_t n))
{
    char *s = rt_real_strerror_r(err, p, n);
    if (s == p)
        writes_text(PC, p);
    return s;
}

/* ---- numbers in parts ---- */

CALL(double, frexp, (double v, int *e), (v, e), NOTHING, true, WRITES(e))
CALL(double, modf, (double v, double *whole), (v, whole), NOTHING, true, WRITES(whole))
CALL(float, frexpf, (float v, int *e), (v, e), NOTHING, true, WRITES(e))
CALL(float, modff, (float v, float *whole), (v, whole), NOTHING, true, WRITES(whole))
CALL(double, remquo, (double v, double by, int *d), (v, by, d), NOTHING, true, WRITES(d))
CALL(double, lgamma_r, (double v, int *d), (v, d), NOTHING, true, WRITES(d))

#define SINCOS(name, type)                              \
    INTERCEPT(void, name, (type v, type * s, type * c)) \
    {                                                   \
        rt_real_##name(v, s, c);                        \
        WRITES(s);                                      \
        WRITES(c);                                      \
    }
SINCOS(sincos, double)
SINCOS(sincosf, float)
