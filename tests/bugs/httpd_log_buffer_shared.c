/* httpd_log_buffer_shared.c - all workers append to one log buffer (a pattern of apache httpd).
 *
 * Buffered logs keep lines in memory until there are enough: every worker reads the length, copies
 * its line behind it and moves the length.  Lines land on one another, and the length may pass the
 * end.  The repair gives the buffer a lock.  Plain pthreads.
 *
 * shows: race log_writer log_writer
 * when: always */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 256 };

struct buffered_log {
    pthread_mutex_t lock;
    size_t outcnt; /* guarded by lock in the repair */
    char outbuf[SIZE];
    size_t flushed;
};

static struct buffered_log access_log = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void flush_log(struct buffered_log *l)
{
    l->flushed += l->outcnt;
    l->outcnt = 0;
}

static void log_writer(struct buffered_log *l, const char *line)
{
    size_t len = strlen(line);
#ifdef REPAIRED
    pthread_mutex_lock(&l->lock);
#endif
    size_t at = l->outcnt;
    if (at + len > SIZE) {
        flush_log(l);
        at = 0;
    }
    memcpy(l->outbuf + at, line, len);
    l->outcnt = at + len;
#ifdef REPAIRED
    pthread_mutex_unlock(&l->lock);
#endif
}

static void *serve(void *arg)
{
    for (int i = 0; i < 20; i++)
        log_writer(arg, "GET / HTTP/1.1 200\n");
    return NULL;
}

int main(void)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, serve, &access_log);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    flush_log(&access_log);
    printf("%zu bytes\n", access_log.flushed);
    return 0;
}
