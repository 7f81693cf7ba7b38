/* int_process.c - interceptors of calls that begin other processes and wait for their end.
 *
 * What another process is given and what it leaves is order, see fds.c.  fork() is in
 * int_exit.c. */
#include "fds.h"
#include "int_table.h"
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void gives_away(uintptr_t pc, const char *text)
{
    reads_text(pc, text);
    fds_given_away(watched());
}

INTERCEPT(int, system, (const char *command))
{
    gives_away(PC, command);
    int status = rt_real_system(command);
    fds_got_back(watched());
    return status;
}

INTERCEPT(FILE *, popen, (const char *command, const char *mode))
{
    gives_away(PC, command);
    reads_text(PC, mode);
    FILE *f = rt_real_popen(command, mode);
    if (f)
        fds_outside(fileno(f));
    return f;
}

INTERCEPT(int, pclose, (FILE * f))
{
    rc_fd_closes(watched(), fileno(f));
    int status = rt_real_pclose(f);
    fds_got_back(watched());
    return status;
}

#define SPAWN(name)                                                                      \
    INTERCEPT(int, name,                                                                 \
              (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, \
               const posix_spawnattr_t *attr, char *const *argv, char *const *env))      \
    {                                                                                    \
        gives_away(PC, path);                                                            \
        int err = rt_real_##name(pid, path, actions, attr, argv, env);                   \
        if (!err)                                                                        \
            WRITES(pid);                                                                 \
        return err;                                                                      \
    }
SPAWN(posix_spawn)
SPAWN(posix_spawnp)

/* The child shares this process's memory and the caller's frame until it calls exec(): no function
 * of C may stand between.  What it does to its own descriptors is taken for ours, which matters
 * little, since all are open to the outside by then. */
static __attribute__((used)) void before_vfork(void)
{
    fds_given_away(watched());
}

__asm__(".text\n"
        ".weak vfork\n"
        ".type vfork, %function\n"
        "vfork:\n"
#if defined(__x86_64__)
        "    endbr64\n"
        "    sub $8, %rsp\n"
        "    call before_vfork\n"
        "    add $8, %rsp\n"
        "    jmp __vfork@PLT\n"
#elif defined(__aarch64__)
        "    hint 34\n" /* bti c */
        "    stp x29, x30, [sp, -16]!\n"
        "    bl before_vfork\n"
        "    ldp x29, x30, [sp], 16\n"
        "    b __vfork\n"
#endif
        ".size vfork, . - vfork\n");

#define ENDED (fds_got_back(watched()), WRITES(status))
CALL(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), NOTHING, r > 0,
     ENDED)
CALL(pid_t, wait, (int *status), (status), NOTHING, r > 0, ENDED)
CALL(pid_t, wait3, (int *status, int fl, struct rusage *d), (status, fl, d), NOTHING, r > 0,
     (ENDED, WRITES(d)))
CALL(pid_t, wait4, (pid_t pid, int *status, int fl, struct rusage *d), (pid, status, fl, d),
     NOTHING, r > 0, (ENDED, WRITES(d)))
CALL(int, waitid, (idtype_t k, id_t id, siginfo_t *status, int fl), (k, id, status, fl), NOTHING,
     r == 0, ENDED)
