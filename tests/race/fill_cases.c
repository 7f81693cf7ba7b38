/* fill_cases.c - more that libc writes for the program. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "race.h"

#include <fcntl.h>
#include <iconv.h>
#include <math.h>
#include <netdb.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <wchar.h>

volatile size_t sink;

static int by_value(const void *a, const void *b, void *unused)
{
    (void)unused;
    return *(const int *)a - *(const int *)b;
}

static double cosine;

cpu_set_t affinity;

FRAME void fill_affinity(void)
{
    if (sched_getaffinity(0, sizeof affinity, &affinity) != 0)
        abort();
}

// expect: read affinity in affinity_filled / write affinity in fill_affinity
RACE(affinity_filled)
{
    first(fill_affinity);
    sink = ((char *)&affinity)[0];
}

struct addrinfo *addresses;

FRAME void fill_addresses(void)
{
    if (getaddrinfo("127.0.0.1", NULL, NULL, &addresses) != 0)
        abort();
}

// expect: read addresses in addresses_filled / write addresses in fill_addresses
RACE(addresses_filled)
{
    first(fill_addresses);
    sink = addresses != NULL;
}

char converted[8];

FRAME void fill_converted(void)
{
    char text[] = "abc", *in = text, *out = converted;
    size_t in_n = 3, out_n = sizeof converted;
    iconv_t k = iconv_open("UTF-8", "ASCII");
    if (iconv(k, &in, &in_n, &out, &out_n) != 0)
        abort();
    iconv_close(k);
}

// expect: read converted in converted_filled / write iconv in fill_converted
RACE(converted_filled)
{
    first(fill_converted);
    sink = converted[0];
}

regmatch_t matches[2];

FRAME void fill_matches(void)
{
    regex_t k;
    if (regcomp(&k, "b", 0) != 0 || regexec(&k, "abc", 2, matches, 0) != 0)
        abort();
    regfree(&k);
}

// expect: read matches in matches_filled / write matches in fill_matches
RACE(matches_filled)
{
    first(fill_matches);
    sink = (size_t)matches[0].rm_so;
}

char swapped[8];

FRAME void fill_swapped(void)
{
    swab("abcd", swapped, 4);
}

// expect: read swapped in swapped_filled / write swapped in fill_swapped
RACE(swapped_filled)
{
    first(fill_swapped);
    sink = swapped[0];
}

char cleared[8];

FRAME void fill_cleared(void)
{
    explicit_bzero(cleared, 8);
}

// expect: read cleared in cleared_filled / write cleared in fill_cleared
RACE(cleared_filled)
{
    first(fill_cleared);
    sink = cleared[0];
}

int sorted[4];

FRAME void fill_sorted(void)
{
    qsort_r(sorted, 4, sizeof *sorted, by_value, NULL);
}

// expect: read sorted in sorted_filled / write sorted in fill_sorted
RACE(sorted_filled)
{
    first(fill_sorted);
    sink = (size_t)sorted[0];
}

char entropy[8];

FRAME void fill_entropy(void)
{
    if (getentropy(entropy, 8) != 0)
        abort();
}

// expect: read entropy in entropy_filled / write entropy in fill_entropy
RACE(entropy_filled)
{
    first(fill_entropy);
    sink = entropy[0];
}

struct statvfs filesystem;

FRAME void fill_filesystem(void)
{
    if (statvfs("/", &filesystem) != 0)
        abort();
}

// expect: read filesystem in filesystem_filled / write filesystem in fill_filesystem
RACE(filesystem_filled)
{
    first(fill_filesystem);
    sink = (size_t)filesystem.f_bsize;
}

double sine;

FRAME void fill_sine(void)
{
    sincos(0.5 + x, &sine, &cosine);
}

// expect: read sine in sine_filled / write sine in fill_sine
RACE(sine_filled)
{
    first(fill_sine);
    sink = (size_t)sine;
}

/* A pattern that has no places writes none. */
FRAME void match_only(void)
{
    regex_t k;
    if (regcomp(&k, "b", REG_NOSUB) != 0 || regexec(&k, "abc", 2, matches, 0) != 0)
        abort();
    regfree(&k);
}

NORACE(pattern_without_places)
{
    go(match_only);
    matches[0].rm_so = 1;
}

/* ---- descriptors, users, random numbers, wide characters ---- */

int pending;

FRAME void ask_pipe(void)
{
    int fd[2];
    if (pipe(fd) != 0 || ioctl(fd[0], FIONREAD, &pending) != 0)
        abort();
    close(fd[0]);
    close(fd[1]);
}

// expect: read pending in answer_of_ioctl / write pending in ask_pipe
RACE(answer_of_ioctl)
{
    first(ask_pipe);
    sink = (size_t)pending;
}

struct random_data numbers;
char numbers_state[32];
int32_t number;

FRAME void draw_number(void)
{
    random_r(&numbers, &number);
}

// expect: read number in number_of_random_r / write number in draw_number
RACE(number_of_random_r)
{
    initstate_r(1, numbers_state, sizeof numbers_state, &numbers);
    first(draw_number);
    sink = (size_t)number;
}

struct passwd user;
char user_text[1024];

FRAME void look_up_user(void)
{
    struct passwd *found;
    getpwuid_r(0, &user, user_text, sizeof user_text, &found);
}

// expect: read user.pw_name in name_of_a_user / write user in look_up_user
RACE(name_of_a_user)
{
    first(look_up_user);
    sink = (size_t)user.pw_name;
}

wchar_t wide;
char narrow[8];

FRAME void widen(void)
{
    mbstate_t state = {0};
    if (mbrtowc(&wide, "w", 1, &state) != 1)
        abort();
}

// expect: read wide in character_of_mbrtowc / write wide in widen
RACE(character_of_mbrtowc)
{
    first(widen);
    sink = (size_t)wide;
}

FRAME void narrow_text(void)
{
    mbstate_t state = {0};
    const wchar_t *from = L"wide";
    if (wcsrtombs(narrow, &from, sizeof narrow, &state) != 4 || from)
        abort();
}

// expect: read narrow in text_of_wcsrtombs / write narrow in narrow_text
RACE(text_of_wcsrtombs)
{
    first(narrow_text);
    sink = (size_t)narrow[4];
}

NORACE(beyond_the_text_of_wcsrtombs)
{
    first(narrow_text);
    sink = (size_t)narrow[5];
}

wchar_t printed[16];

FRAME void print_wide(void)
{
    if (swprintf(printed, 16, L"%d", 42) != 2)
        abort();
}

// expect: read printed in text_of_swprintf / write printed in print_wide
RACE(text_of_swprintf)
{
    first(print_wide);
    sink = (size_t)printed[2];
}

struct stat status;

FRAME void look_at_root(void)
{
    if (fstatat(AT_FDCWD, "/", &status, 0) != 0)
        abort();
}

// expect: read status in status_of_fstatat / write status in look_at_root
RACE(status_of_fstatat)
{
    first(look_at_root);
    sink = (size_t)status.st_mode;
}
