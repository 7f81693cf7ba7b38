/* cmd_version.c - goshawk version. */
#include <stdio.h>
#include <sys/utsname.h>
#include "cmd.h"
#include "cc_flags.h"

int cmd_version(int argc, char **argv)
{
    if (argc > 1)
        return cmd_wrong_use(argv[0], "%s is too much; version takes no arguments", argv[1]);
    struct utsname u;
    uname(&u);
    printf("goshawk version %s linux/%s\n", FLAGS_VERSION, u.machine);
    return CMD_OK;
}
