/* notify_program.c - functions that libc calls on threads of its own: timers, message queues; see
 * programs.py. */
#include "cases.h"
#include "case_threads.h"
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static int x, y;
static sem_t done;
static mqd_t queue;

static __attribute__((noinline)) void writes_to_stack(volatile char *p, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (char)i;
}

/* ---- timers ---- */

static timer_t begin_timer(void (*fn)(union sigval v))
{
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = fn};
    timer_t timer;
    sem_init(&done, 0, 0);
    check(timer_create(CLOCK_MONOTONIC, &e, &timer) == 0);
    return timer;
}

static void fires_once(timer_t timer)
{
    struct itimerspec now = {.it_value.tv_nsec = 1};
    check(timer_settime(timer, 0, &now, NULL) == 0);
}

static void adds_to_x(union sigval unused)
{
    (void)unused;
    x++;
    sem_post(&done);
}

SILENT(timer_is_after_who_set_it_and_before_who_waits)
{
    timer_t timer = begin_timer(adds_to_x);
    for (int i = 1; i < 10; i++) {
        x++;
        fires_once(timer);
        sem_wait(&done);
        check(x == 2 * i);
    }
}

REPORT(timer_races_with_who_goes_on, "DATA RACE")
{
    timer_t timer = begin_timer(adds_to_x);
    fires_once(timer);
    y = x;
    sem_wait(&done);
}

static void *uses_stack(void *turn)
{
    char buf[16384];
    writes_to_stack(buf, sizeof buf);
    step_to((int)(intptr_t)turn);
    return NULL;
}

static void uses_stack_too(union sigval unused)
{
    char buf[8192];
    (void)unused;
    writes_to_stack(buf, sizeof buf);
    sem_post(&done);
}

/* libc's thread may get the stack of one that has ended, which it knows nothing of. */
SILENT(timer_on_the_stack_of_an_ended_thread)
{
    timer_t timer = begin_timer(uses_stack_too);
    for (int i = 1; i <= 10; i++) {
        check(pthread_detach(start(uses_stack, (void *)(intptr_t)(2 * i - 1))) == 0);
        await_step(2 * i - 1);
        fires_once(timer);
        sem_wait(&done);
        step_to(2 * i);
    }
}

static void exits(union sigval unused)
{
    (void)unused;
    x++;
    sem_post(&done);
    pthread_exit(NULL);
}

SILENT(timer_function_that_ends_its_thread)
{
    timer_t timer = begin_timer(exits);
    for (int i = 0; i < 5; i++) {
        x++;
        fires_once(timer);
        sem_wait(&done);
    }
    check(x == 10);
}

/* ---- message queues ---- */

static bool open_queue(void)
{
    struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 16};
    char name[64];
    snprintf(name, sizeof name, "/goshawk-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a);
    if (queue == (mqd_t)-1)
        return false; /* this kernel has none */
    mq_unlink(name);
    sem_init(&done, 0, 0);
    return true;
}

static void notify(void (*fn)(union sigval v), void *arg)
{
    struct sigevent e = {
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = fn, .sigev_value.sival_ptr = arg};
    check(mq_notify(queue, &e) == 0);
}

static void receives(union sigval v)
{
    char buf[16];
    int *p = v.sival_ptr;
    check(mq_receive(queue, buf, sizeof buf, NULL) == 1);
    check(++*p == 8 + (y != 0));
    sem_post(&done);
}

SILENT(message_is_noticed_after_who_asked)
{
    int local = 7;
    if (!open_queue())
        return;
    for (int i = 0; i < 3; i++) {
        notify(receives, &local);
        check(mq_send(queue, "x", 1, 0) == 0);
        sem_wait(&done);
        check(local == 8);
        local = 7;
    }
    check(mq_notify(queue, NULL) == 0);
}

static void *sends(void *unused)
{
    y = 1;
    check(mq_send(queue, "x", 1, 0) == 0);
    return unused;
}

SILENT(message_is_noticed_after_its_sender)
{
    static int global = 8;
    if (!open_queue())
        return;
    notify(receives, &global);
    pthread_t t = start(sends, NULL);
    sem_wait(&done);
    join(t);
}

static void noticed(union sigval unused)
{
    (void)unused;
    x++;
    step_to(1);
}

CASE(who_notices_a_message_races, "", "DATA RACE")
{
    check(open_queue()); /* a kernel without queues: there is no test of this */
    notify(noticed, NULL);
    check(mq_send(queue, "x", 1, 0) == 0);
    await_step(1);
    x = 2;
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
