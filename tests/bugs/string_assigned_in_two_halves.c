/* string_assigned_in_two_halves.c - a reader sees the new pointer with the old length (a pattern of
 * kubernetes).
 *
 * A string is a pointer and a length; the status manager assigns the phase of a pod while the
 * printer copies it.  The repair assigns and copies under a lock.
 *
 * shows: race set_phase print_phase
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <string.h>

struct string {
    const char *bytes;
    size_t len;
};

struct pod {
    go_mutex mu;
    struct string phase; /* guarded by mu in the repair */
};

static struct string string_of(const char *text)
{
    return (struct string){text, strlen(text)};
}

static void set_phase(struct pod *p, const char *text)
{
    struct string s = string_of(text);
#ifdef REPAIRED
    go_mutex_lock(&p->mu);
#endif
    p->phase = s;
#ifdef REPAIRED
    go_mutex_unlock(&p->mu);
#endif
}

static void print_phase(struct pod *p)
{
#ifdef REPAIRED
    go_mutex_lock(&p->mu);
#endif
    struct string s = p->phase;
#ifdef REPAIRED
    go_mutex_unlock(&p->mu);
#endif
    printf("phase of %zu bytes at %s\n", s.len, s.bytes ? "a place" : "none");
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    struct pod p = {.phase = string_of("Pending")};
    go_waitgroup wg = {0};
    go_waitgroup_go(&wg, set_phase, &p, "Running");
    go_waitgroup_go(&wg, print_phase, &p);
    go_waitgroup_go(&wg, set_phase, &p, "Failed");
    go_waitgroup_wait(&wg);
    return 0;
}
