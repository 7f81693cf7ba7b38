/* What the compiler must reject or warn about.  rejected.py compiles this file once as it is, which
 * must pass without a warning, and once with each of the names below defined, which must give a
 * message that fits; both compilers. */
// WRONG_POINTER_INTO_RECV: (incompatible|initialization).*pointer
// WRONG_POINTER_INTO_RECV_CASE: (incompatible|initialization).*pointer
// WRONG_POINTER_INTO_TRY_RECV: (incompatible|initialization).*pointer
// WRONG_VALUE_INTO_SEND: incompatible type|invalid initializer
// WRONG_STRUCTURE_INTO_SEND: incompatible type|invalid initializer
// WRONG_CHANNEL_ASSIGNED: incompatible.*pointer
// WRONG_CHANNEL_PASSED: incompatible.*pointer
// WRONG_CHANNEL_TO_GOROUTINE: incompatible.*pointer
// TOO_FEW_ARGUMENTS: too few arguments
// TOO_MANY_ARGUMENTS: too many arguments
// WRONG_ARGUMENT: incompatible.*type
// STRUCTURE_RETURNED_IN_MEMORY: a function that returns a structure in memory cannot be started
// STRUCTURE_RETURNED_IN_MEMORY_DEFERRED: a function that returns a structure in memory
// PANIC_FORMAT: format
#include <goshawk.h>

struct point {
    double x, y, z;
};

struct other {
    int v;
};

void takes_ints(go_chan(int) c);
void takes_two(int a, char *b);
struct point makes_point(int v);
int user(go_chan(int) c, go_chan(double) d, go_chan(struct point) p, go_waitgroup *wg);

int user(go_chan(int) c, go_chan(double) d, go_chan(struct point) p, go_waitgroup *wg)
{
    int i = 0;
    double f = 0;
    struct point point = {0, 0, 0};
    struct other other = {0};

    go_chan_send(c, 3);
    go_chan_send(d, i);
    go_chan_send(p, point);
    go_chan_recv_ok(c, &i);
    go_chan_recv_ok(c, NULL);
    go_chan_try_recv(d, &f);
    go(takes_ints, c);
    go(takes_two, 1, NULL);
    go_waitgroup_go(wg, takes_two, i, NULL);
    go_defer(takes_ints, c);
    go_select(go_recv_case(c, &i), go_send_case(p, point), go_recv_case(d, NULL), go_default);

#ifdef WRONG_POINTER_INTO_RECV
    go_chan_recv_ok(c, &f);
#endif
#ifdef WRONG_POINTER_INTO_RECV_CASE
    go_select(go_recv_case(d, &i));
#endif
#ifdef WRONG_POINTER_INTO_TRY_RECV
    go_chan_try_recv(p, &f);
#endif
#ifdef WRONG_VALUE_INTO_SEND
    go_chan_send(c, point);
#endif
#ifdef WRONG_STRUCTURE_INTO_SEND
    go_chan_send(p, other);
#endif
#ifdef WRONG_CHANNEL_ASSIGNED
    c = d;
#endif
#ifdef WRONG_CHANNEL_PASSED
    takes_ints(d);
#endif
#ifdef WRONG_CHANNEL_TO_GOROUTINE
    go(takes_ints, d);
#endif
#ifdef TOO_FEW_ARGUMENTS
    go(takes_two, 1);
#endif
#ifdef TOO_MANY_ARGUMENTS
    go(takes_two, 1, NULL, 3);
#endif
#ifdef WRONG_ARGUMENT
    go(takes_two, point, NULL);
#endif
#ifdef STRUCTURE_RETURNED_IN_MEMORY
    go(makes_point, 1);
#endif
#ifdef STRUCTURE_RETURNED_IN_MEMORY_DEFERRED
    go_defer(makes_point, 1);
#endif
#ifdef PANIC_FORMAT
    if (i)
        go_panic("%s", i);
#endif
    return i + other.v;
}
