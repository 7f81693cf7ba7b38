/* An object may be freed as soon as the operation that proves it unused has returned: the memory is
 * poisoned at once, and nobody may touch it any more. */
// stdout: ok
#include "expect.h"

enum { ROUNDS = 2000 };

union shared {
    go_waitgroup wg;
    go_mutex mu;
    unsigned char byte[256];
};

/* A wait group: when wait has returned. */
static void done(go_waitgroup *wg)
{
    go_waitgroup_done(wg);
}

static void waitgroups(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        union shared s;
        memset(&s, 0, sizeof s);
        go_waitgroup_add(&s.wg, 2);
        go(done, &s.wg);
        go(done, &s.wg);
        go_waitgroup_wait(&s.wg);
        memset(&s, 0xa5, sizeof s);
        go_yield();
        for (size_t k = 0; k < sizeof s; k++)
            EXPECT(s.byte[k] == 0xa5);
    }
}

/* A mutex: when its last user has unlocked it and the caller has locked and unlocked it once more.
 * */
struct user {
    union shared *s;
    int *value;
};

static void use(struct user u)
{
    go_mutex_lock(&u.s->mu);
    ++*u.value;
    go_mutex_unlock(&u.s->mu);
}

static void mutexes(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        union shared *s = calloc(1, sizeof *s);
        int value = 0, seen;
        go(use, ((struct user){s, &value}));
        do {
            go_mutex_lock(&s->mu);
            seen = value;
            go_mutex_unlock(&s->mu);
            if (!seen)
                go_yield();
        } while (!seen);
        memset(s, 0xa5, sizeof *s);
        go_yield();
        for (size_t k = 0; k < sizeof *s; k++)
            EXPECT(s->byte[k] == 0xa5);
        free(s);
    }
}

/* A channel: when the value of its last send has been received. */
static void send(go_chan(int) c, int v)
{
    go_chan_send(c, v);
}

static void send_by_select(go_chan(int) c, int v)
{
    go_select(go_send_case(c, v), go_recv_case((go_chan(int))NULL, NULL));
}

static void channels(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        go_chan(int) c = go_chan_make(int, i % 2);
        if (i % 3)
            go(send, c, i);
        else
            go(send_by_select, c, i);
        EXPECT(go_chan_recv(c) == i);
        go_chan_free(c);
        void *other = malloc(128);
        memset(other, 0xa5, 128);
        go_yield();
        free(other);
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    waitgroups();
    mutexes();
    channels();
    puts("ok");
    return 0;
}
