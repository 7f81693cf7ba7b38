/* loop_variable_in_checks.c - goroutines have the address of the loop's variable (a pattern of
 * cockroach).
 *
 * A schema change validates each constraint in a goroutine of its own and hands it the address of
 * the loop's variable, which goes on to the next constraint: some are validated twice and some
 * never.  The repair hands each goroutine its own constraint.
 *
 * shows: race validate backfill
 * when: always */
#include <goshawk.h>
#include <stdio.h>

enum { CHECKS = 3 };

struct check {
    const char *name;
    int rows_bad;
};

static struct check checks[CHECKS + 1] = {
    {"c_positive", 0}, {"c_unique", 0}, {"c_foreign", 0}, {0}};

static int validate(void *arg)
{
#ifdef REPAIRED
    struct check *c = arg;
#else
    struct check *c = *(struct check **)arg;
#endif
    return c->rows_bad ? -1 : 0;
}

static int backfill(void)
{
    go_group g = {0};
    struct check *c;
    for (c = checks; c < checks + CHECKS; c++)
#ifdef REPAIRED
        go_group_go(&g, validate, c);
#else
        go_group_go(&g, validate, &c);
#endif
    return go_group_wait(&g);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("backfill: %d\n", backfill());
    return 0;
}
