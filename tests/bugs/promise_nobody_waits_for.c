/* promise_nobody_waits_for.c - a promise's result is not waited for (after moby #4395).
 *
 * promise_go() runs a function in a goroutine and returns an unbuffered channel for its error.  A
 * caller who needs the result only when another step has succeeded returns early, and the
 * goroutine stays at its send.  The repair gives the channel room for the one value.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

#ifdef REPAIRED
enum { ROOM = 1 };
#else
enum { ROOM = 0 };
#endif

static void promise_run(int (*fn)(void *), void *arg, go_chan(int) result)
{
    go_chan_send(result, fn(arg));
}

static go_chan(int) promise_go(int (*fn)(void *), void *arg)
{
    go_chan(int) result = go_chan_make(int, ROOM);
    go(promise_run, fn, arg, result);
    return result;
}

static go_chan(char) hijacked;

static int hijack(void *arg)
{
    (void)arg;
    go_chan_close(hijacked); /* the connection is taken over, and at its end at once */
    return 0;
}

static int start_container(const char *name)
{
    return *name ? 0 : -ENOENT;
}

static int cmd_run(const char *name)
{
    go_chan(int) attached = promise_go(hijack, NULL);
    go_chan_recv(hijacked);
    int err = start_container(name);
    if (err)
        return err; /* and nobody receives from attached */
    return go_chan_recv(attached);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    hijacked = go_chan_make(char, 0);
    printf("run: %d\n", cmd_run(""));
    return 0;
}
