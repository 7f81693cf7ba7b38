/* process_program.c - threads and several processes. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cases.h"
#include "case_threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int x, y;

typedef void *body(void *);

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void *counts(void *arg)
{
    y++;
    return arg;
}

static atomic_int stop;

static void *allocates(void *arg)
{
    while (!atomic_load(&stop)) {
        free(malloc(100));
        check(pthread_mutex_lock(&mu) == 0);
        x++;
        check(pthread_mutex_unlock(&mu) == 0);
        int fd = dup(0);
        close(fd);
    }
    return arg;
}

static void in_the_child(void)
{
    int two[2];
    for (int i = 0; i < 20; i++)
        free(malloc(1000));
    y++;
    check(pipe(two) == 0);
    pthread_t t = start(counts, NULL);
    join(t);
    _exit(0);
}

SILENT(children_of_a_program_with_threads)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        t[i] = start(allocates, NULL);
    for (int i = 0; i < 25; i++) {
        int status;
        pid_t pid = fork();
        check(pid >= 0);
        if (pid == 0)
            in_the_child();
        check(waitpid(pid, &status, 0) == pid && status == 0);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 3; i++)
        join(t[i]);
}

static void *put_x(void *arg)
{
    x = 1;
    step_to(1);
    return arg;
}

SILENT(child_finds_its_own_races)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        close(2);
        pthread_t t = start(put_x, NULL);
        await_step(1);
        x = 2;
        join(t);
        exit(0);
    }
    check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 66);
}

/* ---- what the parent's other threads did is over when a child begins ---- */

static struct {
    pthread_mutex_t m;
    int of_live, of_detached, of_both;
    char *block;
} past;

static void *writes_and_ends(void *arg)
{
    past.of_detached = 1;
    step_to(1);
    return arg;
}

static void *writes_and_stays(void *arg)
{
    await_step(1);
    check(pthread_mutex_lock(&past.m) == 0);
    past.of_live = 1;
    past.block[500] = 1;
    step_to(2);
    await_step(3);
    check(pthread_mutex_unlock(&past.m) == 0);
    return arg;
}

static void *goes_on(void *arg)
{
    past.of_live++;
    past.of_detached++;
    return arg;
}

static void touches_what_others_did(void)
{
    check(pthread_mutex_init(&past.m, NULL) == 0);
    past.of_live++;
    past.of_detached++;
    join(start(goes_on, NULL));
    free(past.block);
    check(pthread_mutex_lock(&past.m) == 0);
    check(pthread_mutex_unlock(&past.m) == 0);
    check(pthread_mutex_destroy(&past.m) == 0);
}

static pthread_t leave_threads_behind(void)
{
    check(pthread_mutex_init(&past.m, NULL) == 0);
    past.block = malloc(1000);
    check(pthread_detach(start(writes_and_ends, NULL)) == 0);
    pthread_t t = start(writes_and_stays, NULL);
    await_step(2);
    return t;
}

SILENT(child_begins_after_what_other_threads_did)
{
    int status;
    pthread_t t = leave_threads_behind();
    pid_t pid = fork();
    if (pid == 0) {
        touches_what_others_did();
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(past.of_live + past.of_detached == 6 ? 0 : 1);
        check(waitpid(grandchild, &status, 0) == grandchild && status == 0);
        _exit(0);
    }
    check(waitpid(pid, &status, 0) == pid && status == 0);
    step_to(3);
    join(t);
}

static void *writes_of_both(void *arg)
{
    past.of_both = 1;
    step_to(3);
    return arg;
}

SILENT(child_with_such_a_past_finds_its_own_races)
{
    int status;
    pthread_t t = leave_threads_behind();
    pid_t pid = fork();
    if (pid == 0) {
        close(2);
        pthread_t own = start(writes_of_both, NULL);
        await_step(3);
        past.of_both = 2;
        join(own);
        exit(0);
    }
    check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 66);
    step_to(3);
    join(t);
}

REPORT(fork_orders_nothing_in_the_parent, "DATA RACE")
{
    int status;
    pthread_t t = leave_threads_behind();
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    check(waitpid(pid, &status, 0) == pid && status == 0);
    past.of_live = 2;
    step_to(3);
    join(t);
}

static int child(void *arg)
{
    (void)arg;
    _exit(3);
}

SILENT(other_processes)
{
    static char stack[65536];
    int status;
    pid_t pid;
    check(system("exit 4") == 4 << 8);
    FILE *f = popen("echo 12", "r");
    int n = 0;
    check(fscanf(f, "%d", &n) == 1 && n == 12 && pclose(f) == 0);
    pid = vfork();
    if (pid == 0) {
        execlp("true", "true", (char *)NULL);
        _exit(1);
    }
    check(waitpid(pid, &status, 0) == pid && status == 0);
    pid = clone(child, stack + sizeof stack, SIGCHLD, NULL);
    check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
}

SILENT(memory_that_processes_share)
{
    struct shared {
        pthread_mutex_t m;
        int n;
    } *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    check(pthread_mutex_init(&s->m, &a) == 0);
    pid_t pid = fork();
    for (int i = 0; i < 100; i++) {
        check(pthread_mutex_lock(&s->m) == 0);
        s->n++;
        check(pthread_mutex_unlock(&s->m) == 0);
    }
    if (pid == 0)
        _exit(0);
    int status;
    check(waitpid(pid, &status, 0) == pid && status == 0 && s->n == 200);
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
