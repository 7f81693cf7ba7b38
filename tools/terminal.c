/* terminal.c - see terminal.h. */
#include "terminal.h"
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize ws;
    unsigned long n = columns ? strtoul(columns, NULL, 10) : 0;
    if (n == 0 && (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 ||
                   ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0)) /* in front of a pager */
        n = ws.ws_col;
    if (n == 0)
        n = TERMINAL_WIDTH;
    return (unsigned)(n < TERMINAL_WIDTH_MIN   ? TERMINAL_WIDTH_MIN
                      : n > TERMINAL_WIDTH_MAX ? TERMINAL_WIDTH_MAX
                                               : n);
}

bool terminal_colour(const char *when)
{
    bool utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (when && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0 && (utf8 || setlocale(LC_CTYPE, "C.UTF-8"));
    return utf8 && isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}
