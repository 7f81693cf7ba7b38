/* date_formatted_in_libcs_own_buffer.c - localtime() returns the same structure to everybody (a
 * pattern of syncthing).
 *
 * Two goroutines format dates of files with localtime(), whose result is a variable of libc.  The
 * repair passes a structure of its own to localtime_r().
 *
 * shows: race log_mtime log_mtime
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <time.h>

static void log_mtime(time_t mtime)
{
    char text[32];
#ifdef REPAIRED
    struct tm own;
    const struct tm *tm = localtime_r(&mtime, &own);
#else
    const struct tm *tm = localtime(&mtime);
#endif
    strftime(text, sizeof text, "%Y-%m", tm);
    printf("%s\n", text);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    for (int i = 0; i < 2; i++)
        go_waitgroup_go(&wg, log_mtime, (time_t)i * 100 * 24 * 3600);
    go_waitgroup_wait(&wg);
    return 0;
}
