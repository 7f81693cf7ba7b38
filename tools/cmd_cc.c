/* cmd_cc.c - goshawk cc: a compiler that knows where Goshawk is.  The work is done in cc.c. */
#include "args.h"
#include "cc.h"
#include "cmd.h"

int cmd_cc(int argc, char **argv)
{
    if (argc < 2)
        return cmd_wrong_use(argv[0], "nothing to compile; try: goshawk cc [-race] prog.c -o prog");
    struct args args = {0};
    for (int i = 1; i < argc; i++)
        args_add(&args, argv[i]);
    int code = cc_run(argv[0], &args);
    args_fini(&args);
    return code;
}
