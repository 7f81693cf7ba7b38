/* static_cases.c - functions that keep something in libc's own memory, and names of files.
 *
 * Two calls of one that "need not be thread-safe" are a race, and so is one beside who still reads
 * an earlier result. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "race.h"

#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

volatile size_t sink;

/* ---- results ---- */

FRAME void take_local_time(void)
{
    time_t t = 0;
    sink = (size_t)localtime(&t)->tm_year;
}

// expect: write localtime in two_local_times / write localtime in take_local_time
RACE(two_local_times)
{
    first(take_local_time);
    time_t t = 86400;
    localtime(&t);
}

static struct tm *parts;

FRAME void take_gmt(void)
{
    time_t t = 0;
    parts = gmtime(&t);
}

FRAME void look_at_gmt(void)
{
    sink = (size_t)parts->tm_year;
}

// expect: write gmtime in take_gmt / read tm_year in look_at_gmt
RACE(result_is_still_read)
{
    take_gmt();
    first(look_at_gmt);
    take_gmt();
}

static go_mutex mu;

FRAME void take_gmt_under_lock(void)
{
    go_mutex_lock(&mu);
    take_gmt();
    sink = (size_t)parts->tm_year;
    go_mutex_unlock(&mu);
}

NORACE(gmtime_under_a_lock)
{
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, take_gmt_under_lock);
    take_gmt_under_lock();
    go_waitgroup_wait(&wg);
}

FRAME void format_date(void)
{
    time_t t = 0;
    sink = strlen(ctime(&t));
}

// expect: write ctime in two_dates / write ctime in format_date
RACE(two_dates)
{
    first(format_date);
    time_t t = 86400;
    ctime(&t);
}

FRAME void look_up_root(void)
{
    sink = (size_t)getpwnam("root")->pw_uid;
}

// expect: write getpwnam in two_users / write getpwnam in look_up_root
RACE(two_users)
{
    first(look_up_root);
    getpwnam("nobody");
}

static void look_up_with_memory(void)
{
    struct passwd d, *found;
    char text[1024];
    if (getpwuid_r(0, &d, text, sizeof text, &found) != 0 || !found)
        abort();
    if (strlen(found->pw_name) == 0)
        abort();
}

NORACE(users_in_memory_of_their_own)
{
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, look_up_with_memory);
    look_up_with_memory();
    go_waitgroup_wait(&wg);
}

/* ---- where they go on ---- */

FRAME void split_words(void)
{
    char words[] = "a b c";
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        sink += (size_t)w[0];
    if (sink != 'a' + 'b' + 'c')
        abort();
}

// expect: write strtok in two_who_split / write strtok in split_words
RACE(two_who_split)
{
    first(split_words);
    char more[] = "d e";
    if (strcmp(strtok(more, " "), "d") != 0)
        abort();
}

static char shared_words[] = "k=v";

FRAME void split_shared(void)
{
    strtok(shared_words, "=");
}

// expect: read shared_words in split_text_is_written / write strtok in split_shared
RACE(split_text_is_written)
{
    first(split_shared);
    sink = (size_t)shared_words[1];
}

FRAME void draw(void)
{
    sink = (size_t)drand48();
}

// expect: write lrand48 in two_who_draw / write drand48 in draw
RACE(two_who_draw)
{
    first(draw);
    sink = (size_t)lrand48();
}

static unsigned short seed[3];

FRAME void draw_from_seed(void)
{
    sink = (size_t)nrand48(seed);
}

// expect: write jrand48 in two_who_draw_from_a_seed / write nrand48 in draw_from_seed
RACE(two_who_draw_from_a_seed)
{
    first(draw_from_seed);
    sink = (size_t)jrand48(seed);
}

FRAME void enter_key(void)
{
    hsearch((ENTRY){.key = "k"}, ENTER);
}

// expect: read hsearch in table_of_hsearch / write hsearch in enter_key
RACE(table_of_hsearch)
{
    hcreate(8);
    first(enter_key);
    hsearch((ENTRY){.key = "j"}, FIND);
}

/* ---- the environment ---- */

FRAME void change_environment(void)
{
    setenv("GOSHAWK_TEST_A", "1", 1);
}

// expect: read getenv in environment / write setenv in change_environment
RACE(environment)
{
    first(change_environment);
    sink = getenv("GOSHAWK_TEST_B") != NULL;
}

// expect: read environ in environment_read_directly / write setenv in change_environment
RACE(environment_read_directly)
{
    first(change_environment);
    sink = (size_t)environ;
}

NORACE(two_who_change_the_environment)
{
    first(change_environment);
    setenv("GOSHAWK_TEST_B", "1", 1);
}

/* ---- names of files ---- */

static char path[] = "/dev/null";

FRAME void open_path(void)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        abort();
    close(fd);
}

// expect: write path in name_of_open / read open in open_path
RACE(name_of_open)
{
    first(open_path);
    path[0] = '/';
}

NORACE(mode_of_open)
{
    char name[] = "/tmp/goshawk-static-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0 || close(fd) != 0 || unlink(name) != 0)
        abort();
    fd = open(name, O_CREAT | O_WRONLY | O_EXCL, 0640);
    struct stat s;
    if (fd < 0 || fstat(fd, &s) != 0 || (s.st_mode & 0777 & ~0640u) != 0)
        abort();
    close(fd);
    unlink(name);
}
