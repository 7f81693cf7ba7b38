/* omp_program.c - OpenMP as gcc compiles it.  What its constructs order is silent, and what they do
 * not order is found, though libgomp itself is not seen. */
#include "cases.h"

#include <omp.h>

enum { N = 400 };

static int a[N], b[N], x;

static int all_are(const int *v, int from, int by)
{
    for (int i = 0; i < N; i++)
        if (v[i] != from + by * i)
            return 0;
    return 1;
}

/* ---- teams ---- */

SILENT(before_and_behind_a_parallel_loop)
{
    for (int i = 0; i < N; i++)
        a[i] = i;
#pragma omp parallel for num_threads(4)
    for (int i = 0; i < N; i++)
        b[i] = 2 * a[i];
    check(all_are(b, 0, 2));
}

SILENT(loops_end_with_a_barrier)
{
#pragma omp parallel num_threads(4)
    {
#pragma omp for schedule(dynamic)
        for (int i = 0; i < N; i++)
            a[i] = i;
#pragma omp for schedule(guided)
        for (int i = 0; i < N; i++)
            b[i] = a[N - 1 - i];
#pragma omp single
        x = 5;
        check(x == 5);
    }
    check(all_are(b, N - 1, -1));
}

SILENT(barriers_one_after_the_other)
{
#pragma omp parallel num_threads(3)
    {
        int me = omp_get_thread_num(), other = (me + 1) % omp_get_num_threads();
        for (int round = 0; round < 20; round++) {
            a[me] = round;
#pragma omp barrier
            check(a[other] == round);
#pragma omp barrier
        }
    }
}

SILENT(sections)
{
#pragma omp parallel sections num_threads(2)
    {
#pragma omp section
        a[0] = 1;
#pragma omp section
        a[1] = 2;
    }
    check(a[0] + a[1] == 3);
}

SILENT(teams_within_teams)
{
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
    {
        int me = omp_get_thread_num(), own[2] = {0};
#pragma omp parallel num_threads(2)
        {
            own[omp_get_thread_num()] = me + 1;
#pragma omp barrier
            check(omp_get_num_threads() < 2 || own[!omp_get_thread_num()] == me + 1);
        }
        a[me] = own[0];
    }
    check(a[0] >= 1 && a[0] + a[1] <= 3);
}

SILENT(a_value_copied_to_all)
{
    int c;
#pragma omp parallel private(c) num_threads(4)
    {
#pragma omp single copyprivate(c)
        c = 42;
        check(c == 42);
    }
}

/* ---- one at a time ---- */

SILENT(critical_atomic_and_reduction)
{
    int sum = 0, twice = 0;
    double half = 0;
#pragma omp parallel for num_threads(4) reduction(+ : sum)
    for (int i = 0; i < N; i++) {
        sum += i;
#pragma omp critical
        x++;
#pragma omp critical(named)
        twice += 2;
#pragma omp atomic
        half += 0.5;
    }
    check(sum == N * (N - 1) / 2 && x == N && twice == 2 * N && half == N / 2);
}

SILENT(locks)
{
    omp_lock_t l;
    omp_nest_lock_t nested;
    omp_init_lock(&l);
    omp_init_nest_lock(&nested);
#pragma omp parallel num_threads(4)
    for (int i = 0; i < 50; i++) {
        omp_set_lock(&l);
        x++;
        omp_unset_lock(&l);
        if (omp_test_lock(&l)) {
            x--;
            omp_unset_lock(&l);
        }
        omp_set_nest_lock(&nested);
        a[0]++;
        omp_unset_nest_lock(&nested);
    }
    omp_destroy_lock(&l);
    omp_destroy_nest_lock(&nested);
}

SILENT(ordered)
{
#pragma omp parallel for ordered num_threads(4)
    for (int i = 0; i < N; i++) {
#pragma omp ordered
        check(x++ == i);
    }
}

/* ---- tasks ---- */

static int fib(int n)
{
    int p, q;
    if (n < 2)
        return n;
#pragma omp task shared(p) if (n > 4)
    p = fib(n - 1);
#pragma omp task shared(q) if (n > 4)
    q = fib(n - 2);
#pragma omp taskwait
    return p + q;
}

SILENT(tasks_are_waited_for)
{
#pragma omp parallel num_threads(4)
#pragma omp single
    x = fib(12);
    check(x == 144);
}

SILENT(tasks_that_depend)
{
    int v = 0, w = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    {
#pragma omp task depend(out : v) shared(v)
        v = 1;
#pragma omp task depend(in : v) depend(out : w) shared(v, w)
        w = v + 1;
#pragma omp task depend(in : w, v) shared(v, w)
        check(v + w == 3);
#pragma omp task depend(inout : v) shared(v)
        v++;
    }
    check(v == 2);
}

struct big {
    char c[100];
};

SILENT(values_that_tasks_take_along)
{
    struct big s;
    memset(&s, 7, sizeof s);
#pragma omp parallel num_threads(4)
#pragma omp single
#pragma omp taskgroup
    for (int i = 0; i < 30; i++) {
        s.c[0] = (char)i;
#pragma omp task firstprivate(s, i)
        check(s.c[0] == i && s.c[99] == 7);
    }
}

SILENT(loops_of_tasks)
{
#pragma omp parallel num_threads(4)
#pragma omp single
    {
#pragma omp taskloop grainsize(10)
        for (int i = 0; i < N; i++)
            a[i] = i;
#pragma omp taskloop num_tasks(7)
        for (unsigned long long i = 0; i < N; i++)
            b[i] = a[i];
    }
    check(all_are(b, 0, 1));
}

/* ---- races ---- */

REPORT(a_counter, "DATA RACE")
{
#pragma omp parallel num_threads(2)
    x++;
}

REPORT(a_loop_that_reads_what_the_next_one_writes, "DATA RACE")
{
#pragma omp parallel for num_threads(2) schedule(static)
    for (int i = 1; i < N; i++)
        a[i] = a[i - 1] + 1;
}

REPORT(a_loop_without_its_barrier, "DATA RACE")
{
#pragma omp parallel num_threads(2)
    {
#pragma omp for nowait schedule(static)
        for (int i = 0; i < N; i++)
            a[i] = i;
#pragma omp for schedule(static)
        for (int i = 0; i < N; i++)
            b[i] = a[N - 1 - i];
    }
}

REPORT(master_has_no_barrier, "DATA RACE")
{
#pragma omp parallel num_threads(2)
    {
#pragma omp master
        x = 1;
        check(x != 2);
    }
}

REPORT(two_locks, "DATA RACE")
{
    omp_lock_t l[2];
    omp_init_lock(&l[0]);
    omp_init_lock(&l[1]);
#pragma omp parallel num_threads(2)
    {
        omp_lock_t *mine = &l[omp_get_thread_num()];
        omp_set_lock(mine);
        x++;
        omp_unset_lock(mine);
    }
}

/* Two threads run them, since each waits for the other. */
REPORT(two_tasks, "DATA RACE")
{
#pragma omp parallel num_threads(2)
#pragma omp single
    {
#pragma omp task
        {
            x++;
            step_to(1);
            await_step(2);
        }
#pragma omp task
        {
            await_step(1);
            x++;
            step_to(2);
        }
    }
}

int main(int argc, char **argv)
{
    return run_cases(argc, argv);
}
