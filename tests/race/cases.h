/* cases.h - cases of a program with a main() of its own, in C or C++; see programs.py.
 *
 *     SILENT(name) { ... }
 *     REPORT(name, "DATA RACE") { ... }       the heading of all reports that it makes
 *     CASE(name, "race_option=1", "HEADING")  the same with an option of GORACE; "": none, silent
 *
 * step_to(n) waits for step n - 1 and then makes it n, await_step(n) waits for step n; the detector
 * does not see either (cases_unseen.c). */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
void step_to(int n);
void await_step(int n);
#ifdef __cplusplus
}
#endif

/* Ends the process, loudly, unless ok. */
#define check(ok) ((ok) ? (void)0 : (fprintf(stderr, "not so: %s\n", #ok), abort()))

struct one_case {
    const char *name, *options, *heading;
    void (*run)(void);
    struct one_case *next;
};

static struct one_case *all_cases;

#define CASE(name, options, heading)                                            \
    static void name(void);                                                     \
    static struct one_case case_##name = {#name, options, heading, name, NULL}; \
    __attribute__((constructor)) static void add_##name(void)                   \
    {                                                                           \
        case_##name.next = all_cases;                                           \
        all_cases = &case_##name;                                               \
    }                                                                           \
    static void name(void)
#define REPORT(name, heading) CASE(name, "", heading)
#define SILENT(name)          CASE(name, "", "")

/* What main() of each program does. */
static inline int run_cases(int argc, char **argv)
{
    for (const struct one_case *c = all_cases; argc == 2 && c; c = c->next) {
        if (strcmp(argv[1], "--list") == 0) {
            printf("%s\t%s\t%s\n", c->name, c->options, c->heading);
        } else if (strcmp(argv[1], c->name) == 0) {
            c->run();
            puts("end of case");
            return 0;
        }
    }
    return argc == 2 && strcmp(argv[1], "--list") == 0 ? 0 : 3;
}

#endif
