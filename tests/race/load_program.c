/* load_program.c - libraries that are loaded and unloaded; see programs.py and load_library.c. */
#include "cases.h"
#include "case_threads.h"
#include <dlfcn.h>
#include <goshawk/race.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

struct library {
    void *handle;
    int *(*address)(void);
    void (*writes)(int *p);
    int (*reads)(void);
    void (*uses)(void);
    int *(*counter)(void);
};

static struct library get(void)
{
    char path[PATH_MAX];
    struct library l;
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);
    check(n > 0);
    path[n] = 0;
    strcpy(strrchr(path, '/'), "/library.so");
    l.handle = dlopen(path, RTLD_NOW);
    if (!l.handle)
        fprintf(stderr, "%s\n", dlerror());
    check(l.handle);
    l.address = (__typeof__(l.address))dlsym(l.handle, "library_address");
    l.writes = (__typeof__(l.writes))dlsym(l.handle, "library_writes");
    l.reads = (__typeof__(l.reads))dlsym(l.handle, "library_reads");
    l.uses = (__typeof__(l.uses))dlsym(l.handle, "library_uses");
    l.counter = (__typeof__(l.counter))dlsym(l.handle, "library_counter");
    check(l.counter && l.address && l.writes && l.reads && l.uses);
    return l;
}

static void put(struct library *l)
{
    check(dlclose(l->handle) == 0);
}

enum { TURNS = 20 };

static int *address[TURNS + 1];

static void *uses_alone(void *turn)
{
    int i = (int)(intptr_t)turn;
    await_step(i - 1);
    struct library l = get();
    l.uses();
    check(l.reads() == 2);
    address[i] = l.address();
    put(&l);
    check(dlopen("/nowhere/at/all.so", RTLD_NOW) == NULL && dlerror() != NULL);
    step_to(i);
    return NULL;
}

/* Mostly in the same place, which is free again, unless a mapping comes between. */
SILENT(unloaded_and_loaded_again)
{
    pthread_t t[TURNS + 1];
    int same = 0;
    for (int i = 1; i <= TURNS; i++)
        t[i] = start(uses_alone, (void *)(intptr_t)i);
    for (int i = 1; i <= TURNS; i++)
        join(t[i]);
    for (int i = 2; i <= TURNS; i++)
        same += address[i] == address[i - 1];
    check(same > 0);
}

static void *reads_twice(void *unused)
{
    struct library l = get();
    check(l.reads() == 2);
    put(&l);
    return unused;
}

/* Whoever comes first runs the constructors, whoever goes last the destructors. */
SILENT(constructors_come_before_who_gets_the_library_too)
{
    for (int i = 0; i < 20; i++) {
        pthread_t a = start(reads_twice, NULL), b = start(reads_twice, NULL);
        join(a);
        join(b);
    }
}

static void *uses_of_shared(void *library)
{
    struct library *l = library;
    l->uses();
    return NULL;
}

REPORT(library_used_by_two_threads, "DATA RACE")
{
    struct library l = get();
    pthread_t a = start(uses_of_shared, &l), b = start(uses_of_shared, &l);
    join(a);
    join(b);
    put(&l);
}

static int ours;

static void *lets_write(void *unused)
{
    struct library l = get();
    l.writes(&ours);
    put(&l);
    step_to(1);
    return unused;
}

static int n_named;

static void expect_names(const go_race_report *r, void *unused)
{
    (void)unused;
    check(strstr(r->text, "library_writes() ") && strstr(r->text, "load_library.c:"));
    n_named++;
}

/* The thread that wrote is not joined before: the library is gone, the names of its code are
 * not. */
REPORT(code_of_an_unloaded_library_has_names, "DATA RACE")
{
    go_race_on_report(expect_names, NULL);
    pthread_t t = start(lets_write, NULL);
    await_step(1);
    ours = 2;
    go_race_on_report(NULL, NULL);
    check(n_named == 1);
    join(t);
}

static void *uses_and_goes(void *library)
{
    struct library *l = library;
    (*l->counter())++;
    step_to(1);
    return NULL;
}

static void *uses_and_stays(void *library)
{
    struct library *l = library;
    l->uses();
    step_to(1);
    await_step(3); /* never */
    return NULL;
}

/* libc gives the thread-local variables of a detached thread back when another one takes its
 * stack. */
static void *takes_stack(void *unused)
{
    return unused;
}

/* exit() runs the destructors of libraries last. */
REPORT(destructor_at_exit_races, "DATA RACE")
{
    struct library l = get();
    check(pthread_detach(start(uses_and_stays, &l)) == 0);
    await_step(1);
}

SILENT(thread_local_variables_of_a_library)
{
    struct library l = get();
    check(pthread_detach(start(uses_and_goes, &l)) == 0);
    await_step(1);
    for (int i = 0; i < 20; i++)
        join(start(takes_stack, NULL));
    step_to(2);
}

static void *loads_by_name(void *unused)
{
    void *handle = dlopen("libm.so.6", RTLD_NOW);
    check(handle && dlclose(handle) == 0);
    check((handle = dlopen(NULL, RTLD_NOW)) && dlclose(handle) == 0);
    return unused;
}

SILENT(libraries_by_name)
{
    pthread_t a = start(loads_by_name, NULL), b = start(loads_by_name, NULL);
    join(a);
    join(b);
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
