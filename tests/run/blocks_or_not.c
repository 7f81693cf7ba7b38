/* Exactly which operations block: sends, receives and selects on channels that are nil, closed,
 * empty, full, or have somebody at the other end.  What is dropped is dropped, a send is chosen as
 * fairly as a receive, and what is passed belongs to the receiver. */
// procs: 1,4
// stdout: ok
#include "expect.h"

#include <stdatomic.h>

typedef go_chan(int) int_chan;

enum op { SEND, RECV, RECV_OK, SELECT_SEND, SELECT_RECV, TRY_SEND, TRY_RECV, OPS };
enum outcome { DONE, PANICS, BLOCKS, NOT_READY };

struct attempt {
    enum op op;
    int_chan c;
    atomic_int done;
    const char *panic;
    bool ok;
    int value;
};

static void act(void *arg)
{
    struct attempt *a = arg;
    switch (a->op) {
    case SEND:
        go_chan_send(a->c, 7);
        break;
    case RECV:
        a->value = go_chan_recv(a->c);
        break;
    case RECV_OK:
        a->ok = go_chan_recv_ok(a->c, &a->value);
        break;
    case SELECT_SEND:
        go_select(go_send_case(a->c, 7));
        break;
    case SELECT_RECV:
        go_select(go_recv_case(a->c, &a->value, &a->ok));
        break;
    case TRY_SEND:
        a->ok = go_chan_try_send(a->c, 7);
        break;
    default:
        a->ok = go_chan_try_recv(a->c, &a->value);
        break;
    }
}

static void attempt(struct attempt *a)
{
    a->panic = go_recover(act, a);
    atomic_store(&a->done, 1);
}

static bool sends(enum op op)
{
    return op == SEND || op == SELECT_SEND || op == TRY_SEND;
}

static bool tries(enum op op)
{
    return op == TRY_SEND || op == TRY_RECV;
}

/* What blocks is still at it when nobody can go on; it stays there for good. */
static enum outcome outcome_of(enum op op, int_chan c)
{
    struct attempt *a = calloc(1, sizeof *a);
    *a = (struct attempt){.op = op, .c = c, .value = -1};
    go(attempt, a);
    await_quiet();
    if (!atomic_load(&a->done))
        return BLOCKS;
    if (a->panic) {
        EXPECT(!strcmp(a->panic, "send on closed channel"));
        return PANICS;
    }
    return tries(op) && !a->ok ? NOT_READY : DONE;
}

static int_chan prepared(int cap, int fill, bool closed)
{
    int_chan c = go_chan_make(int, (size_t)cap);
    for (int i = 0; i < fill; i++)
        go_chan_send(c, 3);
    if (closed)
        go_chan_close(c);
    return c;
}

static void every_state(void)
{
    for (enum op op = 0; op < OPS; op++) {
        enum outcome not_now = tries(op) ? NOT_READY : BLOCKS;
        EXPECT(outcome_of(op, NULL) == not_now);
        EXPECT(outcome_of(op, prepared(0, 0, false)) == not_now);
        EXPECT(outcome_of(op, prepared(2, 0, false)) == (sends(op) ? DONE : not_now));
        EXPECT(outcome_of(op, prepared(2, 1, false)) == DONE);
        EXPECT(outcome_of(op, prepared(2, 2, false)) == (sends(op) ? not_now : DONE));
        enum outcome after_close = sends(op) ? PANICS : op == TRY_RECV ? NOT_READY : DONE;
        EXPECT(outcome_of(op, prepared(0, 0, true)) == after_close);
        EXPECT(outcome_of(op, prepared(2, 0, true)) == after_close);
        EXPECT(outcome_of(op, prepared(2, 1, true)) == (sends(op) ? PANICS : DONE));
    }
}

static void dropped(void)
{
    int_chan c = go_chan_make(int, 4);
    bool ok = false;
    for (int i = 0; i < 4; i++)
        go_chan_send(c, i);
    EXPECT(go_chan_recv_ok(c, NULL));
    EXPECT(go_select(go_recv_case(c, NULL)) == 0);
    EXPECT(go_select(go_recv_case(c, NULL, &ok)) == 0 && ok);
    (void)go_chan_recv(c);
    EXPECT(go_chan_len(c) == 0);
    go_chan_free(c);
}

/* Which of two sends is chosen is a coin's choice: 100 tails in 400 are 10 deviations off. */
static void random_sends(void)
{
    int_chan c = go_chan_make(int, 400);
    int ones = 0;
    for (int i = 0; i < 400; i++)
        go_select(go_send_case(c, 0), go_send_case(c, 1));
    for (int i = 0; i < 400; i++)
        ones += go_chan_recv(c);
    EXPECT(ones > 100 && ones < 300);
    go_chan_free(c);
}

struct parcel {
    int owner, content[8];
};

/* The sender does not touch what it has sent; the race build would see it. */
static void pass_on(go_chan(struct parcel *) in, go_chan(struct parcel *) out, int me, int n)
{
    for (int i = 0; i < n; i++) {
        struct parcel *p = NULL;
        if (i % 2)
            p = go_chan_recv(in);
        else
            go_select(go_recv_case(in, &p), go_recv_case((int_chan)NULL, NULL));
        EXPECT(p->owner == me - 1);
        p->owner = me;
        for (int k = 0; k < 8; k++)
            p->content[k]++;
        if (i % 3)
            go_chan_send(out, p);
        else
            go_select(go_send_case(out, p), go_send_case((int_chan)NULL, 0));
    }
}

static void ownership(void)
{
    enum { HANDS = 4, N = 300 };
    go_chan(struct parcel *) c[HANDS + 1];
    for (int i = 0; i <= HANDS; i++)
        c[i] = go_chan_make(struct parcel *, (size_t)i % 2);
    for (int i = 0; i < HANDS; i++)
        go(pass_on, c[i], c[i + 1], i + 1, N);
    struct parcel p = {0, {0}};
    for (int i = 0; i < N; i++) {
        p.owner = 0;
        go_chan_send(c[0], &p);
        EXPECT(go_chan_recv(c[HANDS])->content[7] == (i + 1) * HANDS);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    every_state();
    dropped();
    random_sends();
    ownership();
    puts("ok");
    return 0;
}
