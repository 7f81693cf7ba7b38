/* model_locks.c - rt_lock, bias_lock, go_mutex and go_rwmutex: they exclude, nobody sleeps for
 * ever, and the last unlock is the last access. */
#include "world.h"
#include "fence.h"
#define BIAS_AFTER       2
#define BIAS_AGAIN_AFTER 2
#include "bias.h"

/* The bias of a bucket's lock is a matter of bias_lock's own models. */
static struct m *no_m(void)
{
    return NULL;
}
#define rt_m no_m
#include "sema.c"
#undef rt_m
#undef at_pause
#define at_pause()             ((void)0) /* spinning is a matter of time only */
#define MUTEX_SHARED_IS_OVER() (ex_choose(2))
#include "mutex.c"
#define lock_slow   rw_lock_slow
#define unlock_slow rw_unlock_slow
#define biased_to   rw_biased_to
#include "rwmutex.c"
#undef lock_slow
#undef unlock_slow
#define WHO_SHIFT BL_WHO_SHIFT
#define ROW_SHIFT BL_ROW_SHIFT
#include "bias.c"

static struct m ms[WORLD_GS]; /* one for each thread; those from first_plain on are plain ones */
static int first_plain = WORLD_GS;

struct m *rt_m(void)
{
    return ex_self() < first_plain ? &ms[ex_self()] : NULL;
}

uint32_t sched_tid(void)
{
    return (uint32_t)ex_self() + 1;
}

void sched_pause(void)
{
    ex_pause();
}

/* As inside.c has it. */
void sched_wait_storing(const void *lock_word)
{
    rt_fence_all();
    for (int i = 0; i < WORLD_GS; i++)
        while (at_load_acq(&ms[i].storing) == lock_word)
            ex_pause();
}

/* Of rt_lock and bias_lock. */
void rt_lock_pause(unsigned round)
{
    (void)round;
    ex_pause();
}

struct m *worker_all(void)
{
    return &ms[0];
}

static struct rt_lock lock;
static struct bias_lock biased, second;
static go_mutex mutex;
static go_rwmutex rw;

static uint32_t writers, readers;     /* inside */
static uint32_t written, writes_done; /* what is guarded, and what it must be in the end */
static uint32_t left;                 /* threads that have yet to unlock; the last one frees */

static void enter_alone(void)
{
    EX_HOLD(writers++ == 0 && readers == 0);
    at_store_rlx(&written, at_load_rlx(&written) + 1);
    writes_done++;
}

static void leave_alone(void)
{
    EX_HOLD(--writers == 0 && readers == 0);
}

static void enter_shared(void)
{
    EX_HOLD(writers == 0);
    readers++;
    EX_HOLD(at_load_rlx(&written) == writes_done);
}

static void leave_shared(void)
{
    EX_HOLD(writers == 0);
    readers--;
}

static void begin(void *object, size_t size)
{
    struct sema_bucket *b = sema_lock(object);
    sema_unlock(b);
    world_begin();
    for (int i = 0; i < WORLD_GS; i++) {
        ms[i].who = (uint32_t)i + 1;
        ms[i].next_all = i + 1 < WORLD_GS ? &ms[i + 1] : NULL;
        ex_region(&ms[i].storing, sizeof ms[i].storing);
        ex_region(&ms[i].holding, sizeof ms[i].holding);
    }
    ex_region(b, sizeof *b);
    ex_region(object, size);
    ex_region(&written, sizeof written);
    ex_quiet(&writes_done, sizeof writes_done);
    ex_quiet(&writers, sizeof writers);
    ex_quiet(&readers, sizeof readers);
    ex_quiet(&left, sizeof left);
}

static void end(void)
{
    EX_HOLD(written == writes_done && writers == 0 && readers == 0);
}

/* ---- rt_lock ---- */

static void locker(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        if (i == 2 && !rt_trylock(&lock))
            continue;
        if (i != 2)
            rt_lock(&lock);
        enter_alone();
        leave_alone();
        rt_unlock(&lock);
    }
}

static int one = 1, two = 2, three = 3;

static void begin_lock(void)
{
    begin(&lock, sizeof lock);
    for (int i = 0; i < 3; i++)
        ex_thread(locker, &three);
}

/* ---- bias_lock ---- */

static void biased_user(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        bias_lock(&biased, rt_m());
        enter_alone();
        leave_alone();
        bias_unlock(&biased, rt_m());
    }
}

/* Holds two, as a select does. */
static void biased_both(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        bias_lock_nth(&second, rt_m(), 0);
        bias_lock_nth(&biased, rt_m(), 1);
        enter_alone();
        leave_alone();
        bias_unlock_nth(&second, rt_m(), 0);
        bias_unlock_nth(&biased, rt_m(), 1);
    }
}

static void biased_last(void *arg)
{
    (void)arg;
    bias_lock(&biased, rt_m());
    bool last = --left == 0;
    bias_unlock(&biased, rt_m());
    if (last)
        ex_gone(&biased, sizeof biased);
}

static void begin_biased(void)
{
    begin(&biased, sizeof biased);
    ex_thread(biased_user, &three);
    ex_thread(biased_user, &two);
}

static void begin_biased_row(void)
{
    world_nprocs = 2;
    begin(&biased, sizeof biased);
    ex_thread(biased_user, &three);
    ex_thread(biased_user, &three);
}

static void begin_biased_plain(void)
{
    first_plain = 2;
    begin(&biased, sizeof biased);
    ex_thread(biased_user, &two);
    ex_thread(biased_user, &one);
    ex_thread(biased_user, &one);
}

static void begin_biased_two(void)
{
    begin(&biased, sizeof biased);
    ex_region(&second, sizeof second);
    ex_thread(biased_both, &two);
    ex_thread(biased_both, &one);
}

static void begin_biased_life(void)
{
    begin(&biased, sizeof biased);
    left = 3;
    for (int i = 0; i < 3; i++)
        ex_thread(biased_last, NULL);
}

/* ---- go_mutex ---- */

static void mutex_user(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        go_mutex_lock(&mutex);
        enter_alone();
        leave_alone();
        go_mutex_unlock(&mutex);
    }
}

static void mutex_trier(void *arg)
{
    (void)arg;
    if (!go_mutex_trylock(&mutex))
        return;
    enter_alone();
    leave_alone();
    go_mutex_unlock(&mutex);
}

static void begin_mutex_two(void)
{
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &two);
    ex_thread(mutex_user, &two);
}

static void begin_mutex_spin(void)
{
    world_nprocs = 2;
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &one);
    ex_thread(mutex_user, &one);
}

static void begin_mutex_try_two(void)
{
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &two);
    ex_thread(mutex_trier, NULL);
}

static void begin_mutex_try(void)
{
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &one);
    ex_thread(mutex_user, &one);
    ex_thread(mutex_trier, NULL);
}

static void begin_mutex_plain(void)
{
    first_plain = 1;
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &two);
    ex_thread(mutex_user, &two);
}

static void begin_mutex_three(void)
{
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &two);
    ex_thread(mutex_user, &one);
    ex_thread(mutex_user, &one);
}

/* Whoever finds himself the last user unlocks and takes the memory away. */
static void mutex_last(void *arg)
{
    (void)arg;
    go_mutex_lock(&mutex);
    bool last = --left == 0;
    go_mutex_unlock(&mutex);
    if (last)
        ex_gone(&mutex, sizeof mutex);
}

static void begin_mutex_life(void)
{
    begin(&mutex, sizeof mutex);
    left = 2;
    for (int i = 0; i < 2; i++)
        ex_thread(mutex_last, NULL);
}

static void begin_mutex_life_three(void)
{
    begin_mutex_life();
    left = 3;
    ex_thread(mutex_last, NULL);
}

/* With several Ps a bias comes late. */
static void begin_mutex_row(void)
{
    world_nprocs = 2;
    begin(&mutex, sizeof mutex);
    ex_thread(mutex_user, &three);
    ex_thread(mutex_user, &one);
}

/* ---- go_rwmutex ---- */

static void reader(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        go_rwmutex_rlock(&rw);
        enter_shared();
        leave_shared();
        go_rwmutex_runlock(&rw);
    }
}

static void writer(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        go_rwmutex_lock(&rw);
        enter_alone();
        leave_alone();
        go_rwmutex_unlock(&rw);
    }
}

static void begin_rw(void)
{
    struct sema_bucket *b = sema_lock(&rw.writers_);
    sema_unlock(b);
    begin(&rw, sizeof rw);
    ex_region(b, sizeof *b);
}

static void rw_last(void *arg)
{
    if (arg)
        go_rwmutex_lock(&rw);
    else
        go_rwmutex_rlock(&rw);
    bool last = --left == 0;
    if (arg)
        go_rwmutex_unlock(&rw);
    else
        go_rwmutex_runlock(&rw);
    if (last && arg) /* readers count outside of any exclusion, but a writer is alone */
        ex_gone(&rw, sizeof rw);
}

static void begin_rw_life(void)
{
    begin_rw();
    left = 2;
    ex_thread(rw_last, NULL);
    ex_thread(rw_last, &rw);
}

static void begin_rw_life_three(void)
{
    begin_rw_life();
    left = 3;
    ex_thread(rw_last, NULL);
}

static void begin_rw_row(void)
{
    world_nprocs = 2;
    begin_rw();
    ex_thread(reader, &three);
    ex_thread(writer, &one);
}

static void begin_rw_two(void)
{
    begin_rw();
    ex_thread(reader, &two);
    ex_thread(writer, &two);
}

static void begin_rw_readers(void)
{
    begin_rw();
    ex_thread(reader, &one);
    ex_thread(reader, &one);
    ex_thread(writer, &one);
}

static void begin_rw_writers(void)
{
    begin_rw();
    ex_thread(reader, &one);
    ex_thread(writer, &one);
    ex_thread(writer, &one);
}

#define EXCLUDES "it excludes, and nobody sleeps for ever"

static const struct ex_model models[] = {
    {.name = "rt_lock", .says = EXCLUDES, .memory = EX_PSO, .begin = begin_lock, .end = end},
    {.name = "bias_lock",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_biased,
     .end = end},
    {.name = "bias_lock, late bias",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_biased_row,
     .end = end},
    {.name = "bias_lock, plain thread",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_biased_plain,
     .end = end},
    {.name = "bias_lock, two held",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_biased_two,
     .end = end},
    {.name = "bias_lock, lifetime",
     .says = "the last unlock is the last access",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_biased_life},
    {.name = "mutex",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_two,
     .end = end},
    {.name = "mutex, spinning",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_spin,
     .end = end},
    {.name = "mutex, trylock",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_try_two,
     .end = end},
    {.name = "mutex of two, trylock",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_try,
     .end = end,
     .deep = true},
    {.name = "mutex, plain thread",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_plain,
     .end = end},
    {.name = "mutex of three",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_three,
     .end = end,
     .deep = true},
    {.name = "mutex, lifetime",
     .says = "the last unlock is the last access",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_life},
    {.name = "mutex, lifetime of three",
     .says = "the last unlock is the last access",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_life_three,
     .deep = true},
    {.name = "mutex, late bias",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_mutex_row,
     .end = end},
    {.name = "rwmutex",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_rw_two,
     .end = end},
    {.name = "rwmutex, two readers",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_rw_readers,
     .end = end,
     .deep = true},
    {.name = "rwmutex, two writers",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_rw_writers,
     .end = end,
     .deep = true},
    {.name = "rwmutex, lifetime",
     .says = "the last unlock is the last access",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_rw_life},
    {.name = "rwmutex, lifetime of three",
     .says = "the last unlock is the last access",
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_rw_life_three,
     .deep = true},
    {.name = "rwmutex, late bias",
     .says = EXCLUDES,
     .memory = EX_PSO,
     .barriers = true,
     .begin = begin_rw_row,
     .end = end},
};

static const char *const survivors[] = {
    /* With the mutex held and the bucket locked only a spinner's WOKEN can come between, and is a
     * hint. */
    "wake_first cas_rel",
    /* Another M looks at what was guarded only after the fence that took the bias away. */
    "change_alone store_rel",
    /* Once a writer is to get the lock, or has it, every change is made with the bucket locked. */
    "give_to_writer cas_acq_rel",
    "rw_unlock_slow cas_acq_rel",
    NULL,
};

int main(int argc, char **argv)
{
    return ex_main(argc, argv, models, sizeof models / sizeof models[0], survivors);
}
