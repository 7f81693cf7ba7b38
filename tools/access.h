/* access.h - one side of a data race in words. */
#ifndef ACCESS_H
#define ACCESS_H

#include "reader.h"

enum { ACCESS_TEXT_MAX = 32 };

/* "atomic write of 4 bytes"; "" when the recording does not tell.  Returns buf. */
const char *access_text(char buf[ACCESS_TEXT_MAX], const struct tr_access *a);

#endif
