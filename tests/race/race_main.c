/* race_main.c - runs one case by name; see race.h. */
#include "race.h"

#include <stdio.h>
#include <string.h>

int x, y, z;

__attribute__((noinline)) void call_and_step(void (*fn)(void))
{
    fn();
    step_to(1);
}

void first(void (*fn)(void))
{
    go(call_and_step, fn);
    await_step(1);
}

extern const struct race_case *const __start_race_cases[], *const __stop_race_cases[];

int go_main(int argc, char **argv)
{
    for (const struct race_case *const *c = __start_race_cases; argc == 2 && c < __stop_race_cases;
         c++) {
        if (strcmp(argv[1], "--list") == 0) {
            printf("%s %s\n", (*c)->race ? "RACE" : "NORACE", (*c)->name);
        } else if (strcmp(argv[1], (*c)->name) == 0) {
            (*c)->run();
            puts("end of case");
            return 0;
        }
    }
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return 0;
    fprintf(stderr, "usage: %s --list | CASE\n", argv[0]);
    return 3;
}
