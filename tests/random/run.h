/* run.h - shared by run.c and run_sync.c. */
#ifndef TESTS_RANDOM_RUN_H
#define TESTS_RANDOM_RUN_H

#include <goshawk.h>
#include <goshawk/race.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>
#include "program.h"

/* The memory of the program that runs. */
struct world {
    _Alignas(64) unsigned char plain[PLAIN_BYTES];
    _Alignas(16) unsigned char atomics[ATOMIC_BYTES];
    union {
        _Alignas(64) go_mutex mutex;
        pthread_mutex_t os_mutex;
        pthread_spinlock_t spin;
        mtx_t c_mutex;
        go_rwmutex rwlock;
        pthread_rwlock_t os_rwlock;
        void *chan;
        go_waitgroup group;
        go_once once;
        pthread_once_t os_once;
        go_cond cond;
        pthread_cond_t os_cond;
        go_sem sem;
        sem_t os_sem;
        pthread_barrier_t barrier;
        int fd[2];
        go_ctx *ctx;
        go_chan(go_time) after;
    } object[OBJECTS];
    unsigned char signalled[OBJECTS];
    unsigned char *once_writes[OBJECTS]; /* by its first call; NULL: nothing */
    unsigned char *block[2];
    pthread_t thread[FLOWS];
    go_timer *timer[FLOWS];
};

extern const struct program *run_prog;
extern struct world *run_world;

/* The memory that an operation names. */
unsigned char *run_memory(const struct op *op);

/* Makes and ends an object. */
void run_make(int o);
void run_unmake(int o);

/* An operation on an object. */
void run_sync(const struct op *op);

#endif
