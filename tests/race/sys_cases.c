/* sys_cases.c - structures and buffers that system calls fill in for the program. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char text[64];
volatile size_t sink;

/* ---- time ---- */

struct timespec stamp;

FRAME void read_clock(void)
{
    clock_gettime(CLOCK_MONOTONIC, &stamp);
}

// expect: read stamp in time_of_clock_gettime / write stamp in read_clock
RACE(time_of_clock_gettime)
{
    first(read_clock);
    sink = (size_t)stamp.tv_nsec;
}

time_t now;

FRAME void read_time(void)
{
    time(&now);
}

// expect: write now in result_of_time / write now in read_time
RACE(result_of_time)
{
    first(read_time);
    now = 1;
}

NORACE(time_without_a_place)
{
    now = 1;
    first(read_time);
    time(NULL);
}

struct tm parts;

FRAME void take_apart(void)
{
    time_t t = 0;
    gmtime_r(&t, &parts);
}

// expect: read parts in result_of_gmtime_r / write parts in take_apart
RACE(result_of_gmtime_r)
{
    first(take_apart);
    sink = (size_t)parts.tm_year;
}

FRAME void format_time(void)
{
    struct tm mine = {.tm_year = 100};
    sink = strftime(text, sizeof text, "%Y", &mine);
}

// expect: write text in end_of_strftime / write text in format_time
RACE(end_of_strftime)
{
    first(format_time);
    text[4] = 1;
}

NORACE(behind_strftime)
{
    first(format_time);
    text[5] = 1;
}

/* ---- files ---- */

struct stat status;

FRAME void look(void)
{
    if (stat("/", &status) != 0)
        abort();
}

// expect: read status in result_of_stat / write status in look
RACE(result_of_stat)
{
    first(look);
    sink = (size_t)status.st_mode;
}

FRAME void look_in_vain(void)
{
    sink = (size_t)stat("/no/such/file", &status);
}

NORACE(stat_in_vain)
{
    first(look_in_vain);
    status.st_mode = 1;
}

FRAME void where(void)
{
    if (!getcwd(text, sizeof text))
        abort();
}

// expect: read text in result_of_getcwd / write text in where
RACE(result_of_getcwd)
{
    if (chdir("/") != 0)
        abort();
    first(where);
    sink = (size_t)text[1];
}

NORACE(behind_getcwd)
{
    if (chdir("/") != 0)
        abort();
    first(where);
    text[2] = 1;
}

/* ---- sockets, descriptors ---- */

struct sockaddr_in address;
socklen_t address_size;

FRAME void ask_name(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t n = sizeof address;
    if (getsockname(s, (struct sockaddr *)&address, &n) != 0)
        abort();
    close(s);
}

// expect: write address in result_of_getsockname / write address in ask_name
RACE(result_of_getsockname)
{
    first(ask_name);
    address.sin_family = 0;
}

FRAME void parse_address(void)
{
    if (inet_pton(AF_INET, "127.0.0.1", &address.sin_addr) != 1)
        abort();
}

// expect: read address in result_of_inet_pton / write address in parse_address
RACE(result_of_inet_pton)
{
    first(parse_address);
    sink = address.sin_addr.s_addr;
}

NORACE(beside_the_result_of_inet_pton)
{
    first(parse_address);
    address.sin_port = 1;
}

struct pollfd polled;

FRAME void poll_once(void)
{
    polled.fd = -1;
    poll(&polled, 1, 0);
}

// expect: write polled in result_of_poll / write polled in poll_once
RACE(result_of_poll)
{
    first(poll_once);
    polled.revents = 0;
}

static int set, event;

FRAME void put_and_add(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &x};
    x = 1;
    if (epoll_ctl(set, EPOLL_CTL_ADD, event, &e) != 0)
        abort();
}

NORACE(epoll_ctl_before_the_event)
{
    struct epoll_event e;
    set = epoll_create1(0);
    event = eventfd(1, 0);
    go(put_and_add);
    while (epoll_wait(set, &e, 1, 0) == 0)
        go_yield();
    *(int *)e.data.ptr = 2;
}

struct epoll_event events[4];

FRAME void wait_for_event(void)
{
    if (epoll_wait(set, events, 4, 0) != 1)
        abort();
}

// expect: write events in result_of_epoll_wait / write events in wait_for_event
RACE(result_of_epoll_wait)
{
    set = epoll_create1(0);
    event = eventfd(1, 0);
    put_and_add();
    first(wait_for_event);
    events[0].events = 0;
}

NORACE(events_that_did_not_come)
{
    set = epoll_create1(0);
    event = eventfd(1, 0);
    put_and_add();
    first(wait_for_event);
    events[1].events = 0;
}

/* ---- the process and the machine ---- */

struct utsname machine;

FRAME void ask_machine(void)
{
    uname(&machine);
}

// expect: read machine in result_of_uname / write machine in ask_machine
RACE(result_of_uname)
{
    first(ask_machine);
    sink = (size_t)machine.release[0];
}

struct rlimit limit;

FRAME void ask_limit(void)
{
    getrlimit(RLIMIT_NOFILE, &limit);
}

// expect: write limit in result_of_getrlimit / write limit in ask_limit
RACE(result_of_getrlimit)
{
    first(ask_limit);
    limit.rlim_max = 1;
}

FRAME void explain(void)
{
    char mine[64];
    if (!strerror_r(12345, mine, sizeof mine))
        abort();
}

NORACE(memory_of_its_own)
{
    first(explain);
    explain();
}

unsigned seed;

FRAME void draw(void)
{
    sink = (size_t)rand_r(&seed);
}

// expect: write seed in seed_of_rand_r / write seed in draw
RACE(seed_of_rand_r)
{
    first(draw);
    seed = 1;
}

/* ---- mappings ---- */

static char *mapping;

FRAME void touch_mapping(void)
{
    mapping[5000] = 1;
}

// expect: write mapping in bytes_of_a_mapping / write mapping in touch_mapping
RACE(bytes_of_a_mapping)
{
    mapping = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    first(touch_mapping);
    mapping[5000] = 2;
}

FRAME void map_grow_and_unmap(void)
{
    for (int i = 0; i < 10; i++) {
        char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        p[5000] = 1;
        p = mremap(p, 1 << 16, 1 << 20, MREMAP_MAYMOVE);
        p[100000] = 1;
        munmap(p, 1 << 20);
    }
}

NORACE(mapping_that_grew_has_no_past)
{
    first(map_grow_and_unmap);
    map_grow_and_unmap();
}

FRAME void use_aligned(void)
{
    for (int i = 0; i < 20; i++) {
        char *p = aligned_alloc(64, 640), *q = NULL;
        if (posix_memalign((void **)&q, 4096, 8192) != 0)
            abort();
        memset(p, 1, 640);
        memset(q, 1, 8192);
        free(p);
        free(q);
    }
}

NORACE(aligned_memory_has_no_past)
{
    first(use_aligned);
    use_aligned();
}

static char *aligned;

FRAME void touch_aligned(void)
{
    aligned[8191] = 1;
}

// expect: free aligned in free_of_aligned_memory / write aligned in touch_aligned
RACE(free_of_aligned_memory)
{
    aligned = aligned_alloc(4096, 8192);
    first(touch_aligned);
    free(aligned);
}

/* ---- fork ---- */

static int ends[2];

/* What a program may do around a fork; the alarm ends a child that hangs. */
static void use_heap_and_descriptors(void)
{
    alarm(60);
    free(malloc(100000));
    if (close(ends[0]) != 0 || close(ends[1]) != 0 || pipe(ends) != 0)
        abort();
}

NORACE(handlers_of_a_fork_use_heap_and_descriptors)
{
    int how;
    if (pipe(ends) != 0 || pthread_atfork(use_heap_and_descriptors, use_heap_and_descriptors,
                                          use_heap_and_descriptors) != 0)
        abort();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, &how, 0) != child || how != 0)
        abort();
    alarm(0);
}
