/* child.c - starts a child, waits, passes signals on.
 *
 * A terminal sends its signals to the whole foreground group, the child included, and those must
 * not be sent a second time (a Goshawk program dumps its goroutines on one SIGQUIT); a signal from
 * kill(1) reaches us alone.  si_code tells the two apart: above 0 the kernel sent it.
 *
 * The pid is published to the handler before the child can be signalled: both happen while the
 * signals are blocked.  A failed exec comes back as errno through a close-on-exec pipe. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
enum { PASSED_ON = sizeof(passed_on) / sizeof(passed_on[0]) };

static volatile sig_atomic_t child_pid; /* 0: none; written while the signals are blocked */
static volatile sig_atomic_t interrupted;
static bool catching;

static void on_signal(int sig, siginfo_t *info, void *ucontext)
{
    (void)ucontext;
    int saved = errno;
    interrupted = sig;
    if (child_pid && info->si_code <= 0)
        kill((pid_t)child_pid, sig);
    errno = saved;
}

void child_catch_signals(void)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    for (int i = 0; i < PASSED_ON; i++) {
        struct sigaction old;
        sigaction(passed_on[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) /* nohup stays nohup */
            sigaction(passed_on[i], &act, NULL);
    }
    catching = true;
}

int child_interrupted(void)
{
    return interrupted;
}

static void block_signals(sigset_t *ret_old)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < PASSED_ON; i++)
        sigaddset(&set, passed_on[i]);
    sigprocmask(SIG_BLOCK, &set, ret_old);
}

/* In the child: signals as the parent found them, then the program.  Never returns. */
static void become(char *const argv[], const sigset_t *mask, int out, int failed, pid_t parent)
{
    if (catching)
        for (int i = 0; i < PASSED_ON; i++) {
            struct sigaction now;
            sigaction(passed_on[i], NULL, &now);
            if (now.sa_handler != SIG_IGN)
                signal(passed_on[i], SIG_DFL);
        }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if (out >= 0) {
        dup2(out, 1);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, 2);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    int err = errno;
    ssize_t n = write(failed, &err, sizeof(err));
    _exit(n == (ssize_t)sizeof(err) ? 127 : 126);
}

/* Starts argv; what it prints goes to out unless that is -1.  Returns 0 or -errno. */
static int start(char *const argv[], int out)
{
    int failed[2];
    if (pipe2(failed, O_CLOEXEC) < 0)
        return -errno;
    sigset_t old;
    block_signals(&old);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(argv, &old, out, failed[1], parent);
    int err = pid < 0 ? errno : 0;
    child_pid = pid > 0 ? pid : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(failed[1]);
    if (pid > 0 && read(failed[0], &err, sizeof(err)) == (ssize_t)sizeof(err)) {
        waitpid(pid, NULL, 0);
        child_pid = 0;
    }
    close(failed[0]);
    return -err;
}

/* Waits for the child.  The pid is withdrawn before it is reaped, so that the handler never signals
 * a process that is not ours. */
static int finish(int *ret_signal)
{
    pid_t pid = (pid_t)child_pid;
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    sigset_t old;
    block_signals(&old);
    child_pid = 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    if (ret_signal)
        *ret_signal = WTERMSIG(status);
    return 128 + WTERMSIG(status);
}

int child_run(char *const argv[], int *ret_signal)
{
    int err = start(argv, -1);
    return err ? err : finish(ret_signal);
}

int child_first_line(char *const argv[], char *line, int cap)
{
    int out[2];
    line[0] = 0;
    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    int err = start(argv, out[1]);
    close(out[1]);
    int len = 0;
    char chunk[512];
    for (ssize_t n; !err && (n = read(out[0], chunk, sizeof(chunk))) != 0;) {
        if (n < 0 && errno != EINTR)
            break;
        for (ssize_t i = 0; i < n && len < cap - 1; i++)
            line[len++] = chunk[i];
    }
    close(out[0]);
    line[len] = 0;
    line[strcspn(line, "\n")] = 0;
    return err ? err : finish(NULL);
}
