/* server.c - a server that runs for long, under the detector: its memory must stay as it is.
 *
 *     server [--seconds=N] [--progress=SECONDS]
 *
 * Clients send requests; each is handled by a goroutine of its own that nobody waits for.
 * Handlers do what servers do: they read tables that are never written, count with relaxed atomics,
 * look up and replace entries of a cache under locks, allocate and free, talk through pipes, have
 * deadlines, and now and then use a thread of a library.  Nothing of this is a race.
 *
 * Memory is sampled all the time.  After a first fifth in which it may grow, the second half's
 * average must not be more than a tenth (and 4 MiB) above the first half's; that is judged when
 * there were as many requests as make the detector give back some times what ended ones left. */
#define _GNU_SOURCE
#include <goshawk.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CLIENTS = 32,
    TABLE = 256,
    CACHE = 64,
    SAMPLES = 1000,
    GROWTH_SLACK_KIB = 4096,
    REQUESTS_MIN = 400000,
};

struct request {
    uint32_t number;
    uint32_t answer;
    go_chan(int) done;
};

static double seconds = 5;
static int progress = 60;
static uint32_t table[TABLE]; /* written before the first goroutine */
static atomic_ulong handled;
static atomic_bool stopped;

static go_mutex cache_lock;
static struct entry {
    uint32_t number;
    char *text;
} cache[CACHE]; /* guarded by cache_lock */

static go_rwmutex mode_lock;
static uint32_t mode; /* guarded by mode_lock */

static uint32_t hash(uint32_t n)
{
    for (int i = 0; i < TABLE; i++)
        n = n * 31 + table[i];
    return n;
}

static void look_up(uint32_t n)
{
    struct entry *e = &cache[n % CACHE];
    char *text = NULL;
    go_mutex_lock(&cache_lock);
    if (e->text == NULL || e->number != n) {
        free(e->text);
        e->number = n;
        e->text = malloc(16 + n % 512);
        snprintf(e->text, 16, "%" PRIu32, n);
    }
    text = strdup(e->text);
    go_mutex_unlock(&cache_lock);
    free(text);
}

static uint32_t read_mode(uint32_t n)
{
    go_rwmutex_rlock(&mode_lock);
    uint32_t m = mode;
    go_rwmutex_runlock(&mode_lock);
    if (n % 1000 == 0) {
        go_rwmutex_lock(&mode_lock);
        mode++;
        go_rwmutex_unlock(&mode_lock);
    }
    return m;
}

static void pass_through_pipe(uint32_t n)
{
    int fd[2];
    char out[64] = {0}, in[64];
    if (pipe(fd) != 0)
        return;
    snprintf(out, sizeof out, "request %" PRIu32, n);
    if (go_write(fd[1], out, sizeof out) != sizeof out ||
        go_read(fd[0], in, sizeof in) != sizeof in || strcmp(in, out) != 0)
        abort();
    go_fd_close(fd[0]);
    go_fd_close(fd[1]);
}

static void *library(void *arg)
{
    uint32_t *n = arg;
    *n = hash(*n);
    return NULL;
}

static void use_library(uint32_t n)
{
    pthread_t t;
    uint32_t mine = n;
    if (pthread_create(&t, NULL, library, &mine) != 0)
        abort();
    pthread_join(t, NULL);
    if (mine != hash(n))
        abort();
}

static void within_a_deadline(uint32_t n)
{
    go_ctx *c = go_ctx_with_timeout(go_ctx_background(), 10 * GO_SECOND);
    if (n % 2)
        go_yield();
    if (go_ctx_err(c) != 0)
        abort();
    go_ctx_cancel(c);
    go_ctx_free(c);
}

static void handle(void *arg)
{
    struct request *r = arg;
    uint32_t n = r->number;
    r->answer = hash(n);
    look_up(n % 1000);
    r->answer ^= read_mode(n) & 0;
    if (n % 16 == 0)
        pass_through_pipe(n);
    if (n % 64 == 0)
        use_library(n);
    if (n % 8 == 0)
        within_a_deadline(n);
    go_chan_send(r->done, 1);
    atomic_fetch_add_explicit(&handled, 1, memory_order_relaxed); /* after it told anybody */
}

static go_chan(struct request *) incoming;
static go_waitgroup clients;

static void client(void *arg)
{
    uint32_t n = (uint32_t)(uintptr_t)arg;
    for (; !atomic_load_explicit(&stopped, memory_order_relaxed); n += CLIENTS) {
        struct request *r = calloc(1, sizeof *r);
        r->number = n;
        r->done = go_chan_make(int, n % 2);
        go_chan_send(incoming, r);
        go_chan_recv(r->done);
        if (r->answer != hash(n))
            abort();
        go_chan_free(r->done);
        free(r);
    }
    go_waitgroup_done(&clients);
}

static void accept_all(void)
{
    struct request *r;
    while (go_chan_recv_ok(incoming, &r))
        go(handle, (void *)r);
}

/* ---- its memory ---- */

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &pages, &resident) != 2)
        abort();
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static double average(const long *v, int from, int to)
{
    double sum = 0;
    for (int i = from; i < to; i++)
        sum += (double)v[i];
    return sum / (to - from);
}

static long sample[SAMPLES];

static void watch(void *arg)
{
    int shown = 0;
    for (int i = 0; i < SAMPLES; i++) {
        go_sleep((go_duration)(seconds * (double)GO_SECOND / SAMPLES));
        sample[i] = resident_kib();
        int now = (int)(seconds * (i + 1) / SAMPLES);
        if (now / progress > shown) {
            shown = now / progress;
            printf("%d s: %lu requests, %ld KiB\n", now, atomic_load(&handled), sample[i]);
            fflush(stdout);
        }
    }
    atomic_store(&stopped, true);
    go_waitgroup_wait(&clients);
    go_chan_close(incoming);
    (void)arg;
}

static int verdict(void)
{
    int from = SAMPLES / 5, middle = from + (SAMPLES - from) / 2;
    double first = average(sample, from, middle), second = average(sample, middle, SAMPLES);
    bool few = atomic_load(&handled) < REQUESTS_MIN;
    bool flat = second <= first * 1.1 + GROWTH_SLACK_KIB;
    printf("%lu requests; memory: %.0f KiB, then %.0f KiB: %s\n", atomic_load(&handled), first,
           second,
           few    ? "not long enough to judge"
           : flat ? "flat"
                  : "it grows");
    return few || flat ? 0 : 1;
}

int go_main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (sscanf(argv[i], "--seconds=%lf", &seconds) != 1 &&
            sscanf(argv[i], "--progress=%d", &progress) != 1) {
            fprintf(stderr, "usage: server [--seconds=N] [--progress=SECONDS]\n");
            return 2;
        }
    for (uint32_t i = 0; i < TABLE; i++)
        table[i] = i * i;
    incoming = go_chan_make(struct request *, CLIENTS / 2);
    go_waitgroup_add(&clients, CLIENTS);
    for (uintptr_t i = 0; i < CLIENTS; i++)
        go(client, (void *)(i + 1));
    go(watch, NULL);
    accept_all();
    return verdict();
}
