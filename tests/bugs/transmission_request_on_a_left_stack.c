/* transmission_request_on_a_left_stack.c - a thread reads its arguments where its creator keeps
 * other things by now (a pattern of transmission).
 *
 * announce() puts the request on its own stack, starts a detached thread with the address and
 * returns; the next call writes there.  The repair gives the request to the thread on the heap.
 * Plain pthreads.
 *
 * shows: race announce_thread fill_pieces
 * when: always */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct request {
    int torrent[16];
};

static atomic_bool verified; /* relaxed: says when, orders nothing */

static void *announce_thread(void *arg)
{
    const struct request *r = arg;
    while (!atomic_load_explicit(&verified, memory_order_relaxed))
        sched_yield();
    int sum = 0;
    for (int i = 0; i < 16; i++)
        sum += r->torrent[i];
    printf("%s\n", sum ? "announced" : "nothing to announce");
#ifdef REPAIRED
    free(arg);
#endif
    return NULL;
}

static __attribute__((noinline)) pthread_t announce(int torrent)
{
    pthread_t t;
#ifdef REPAIRED
    struct request *r = calloc(1, sizeof *r);
    r->torrent[0] = torrent;
    pthread_create(&t, NULL, announce_thread, r);
#else
    struct request r = {{torrent}};
    pthread_create(&t, NULL, announce_thread, &r);
#endif
    return t;
}

static __attribute__((noinline)) void fill_pieces(int *pieces, int n)
{
    for (int i = 0; i < n; i++)
        pieces[i] = i;
}

static __attribute__((noinline)) int verify(void)
{
    int pieces[64];
    fill_pieces(pieces, 64);
    return pieces[63];
}

int main(void)
{
    pthread_t t = announce(7);
    printf("piece %d\n", verify());
    atomic_store_explicit(&verified, true, memory_order_relaxed);
    pthread_join(t, NULL);
    return 0;
}
