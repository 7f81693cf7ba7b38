/* access.c - see access.h. */
#include "access.h"
#include <stdio.h>

const char *access_text(char buf[ACCESS_TEXT_MAX], const struct tr_access *a)
{
    *buf = 0;
    if (a->size)
        snprintf(buf, ACCESS_TEXT_MAX, "%s%s of %u byte%s", a->atomic ? "atomic " : "",
                 a->free    ? "free"
                 : a->write ? "write"
                            : "read",
                 a->size & 0xfu, a->size == 1 ? "" : "s");
    return buf;
}
