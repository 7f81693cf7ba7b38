/* mysql_proc_info_tested_then_used.c - a pointer is tested, and used when it may be NULL again (a
 * pattern of mysql).
 *
 * SHOW PROCESSLIST tests what a connection is doing and then prints it, while the connection sets
 * it to NULL between two statements. The repair does both under the connection's lock. Plain
 * pthreads.
 *
 * shows: race show_processlist set_proc_info
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

struct connection {
    pthread_mutex_t lock;
    const char *proc_info; /* guarded by lock in the repair */
};

static struct connection conn = {PTHREAD_MUTEX_INITIALIZER, NULL};
static size_t shown;

static void set_proc_info(struct connection *c, const char *info)
{
#ifdef REPAIRED
    pthread_mutex_lock(&c->lock);
#endif
    c->proc_info = info;
#ifdef REPAIRED
    pthread_mutex_unlock(&c->lock);
#endif
}

static void *run_statements(void *arg)
{
    for (int i = 0; i < 10; i++) {
        set_proc_info(arg, "Sending data");
        sched_yield(); /* the statement */
        set_proc_info(arg, NULL);
    }
    return NULL;
}

static void *show_processlist(void *arg)
{
    struct connection *c = arg;
#ifdef REPAIRED
    pthread_mutex_lock(&c->lock);
    const char *info = c->proc_info;
    if (info)
        shown += strlen(info);
    pthread_mutex_unlock(&c->lock);
#else
    if (c->proc_info) {
        const char *info = c->proc_info;
        shown += info ? strlen(info) : 0; /* the real one crashed */
    }
#endif
    return NULL;
}

int main(void)
{
    pthread_t t[2];
    pthread_create(&t[0], NULL, run_statements, &conn);
    pthread_create(&t[1], NULL, show_processlist, &conn);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    printf("shown: %zu\n", shown);
    return 0;
}
