/* real.h - libc's own functions, for who stands in front of them.
 *
 * rt_real_NAME is libc's NAME.  It may be called at any time, also before constructors have run. */
#ifndef RC_REAL_H
#define RC_REAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <threads.h>
#include <time.h>
#include <wchar.h>

struct addrinfo;
struct dirent;
struct drand48_data;
struct epoll_event;
struct ether_addr;
struct group;
struct hostent;
struct ifaddrs;
struct in_addr;
struct iovec;
struct itimerspec;
struct itimerval;
struct passwd;
struct pollfd;
struct protoent;
struct random_data;
struct rlimit64;
struct rlimit;
struct rusage;
struct sembuf;
struct servent;
struct stat64;
struct stat;
struct statfs64;
struct statfs;
struct statvfs64;
struct statvfs;
struct sysinfo;
struct termios;
struct timeval;
struct tms;
struct utsname;

#define REAL(result, name, parameters, arguments) result rt_real_##name parameters;
#define VOID(name, parameters, arguments)         void rt_real_##name parameters;
#define HEAP(result, name, parameters)            result rt_real_##name parameters;
#include "real.def"
#undef REAL
#undef VOID
#undef HEAP

/* libc's free() for a block that the tables of heap.h do not hold as a living one. */
void rt_free_forgotten(void *p);

#endif
