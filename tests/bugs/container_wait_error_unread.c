/* container_wait_error_unread.c - the second of two errors finds no receiver (after moby #33293).
 *
 * The client's wait runs a goroutine with a channel for the result and one for errors, both
 * unbuffered.  The caller takes the first thing that comes and returns; the goroutine, which has
 * two errors to tell, or an error and a result, stays at the second.  The repair gives the errors
 * room and returns after the first.
 *
 * shows: leak
 * when: always */
#include <goshawk.h>
#include <errno.h>
#include <stdio.h>

struct waiting {
    go_chan(int) result, errors;
};

static int post(const char *container)
{
    return *container ? 0 : -ENOENT;
}

static int decode(int response, int *ret_code)
{
    *ret_code = 0;
    return response ? -EBADMSG : 0;
}

static void wait_exit(struct waiting *w, const char *container)
{
    int response = post(container), code;
    if (response < 0) {
        go_chan_send(w->errors, response);
#ifdef REPAIRED
        return;
#endif
    }
    int err = decode(response, &code);
    if (err)
        go_chan_send(w->errors, err);
    else
        go_chan_send(w->result, code);
}

static int run(struct waiting *w, const char *container)
{
    int value;
    go(wait_exit, w, container);
    switch (go_select(go_recv_case(w->result, &value), go_recv_case(w->errors, &value))) {
    case 0:
        printf("exit code %d\n", value);
        return 0;
    default:
        printf("wait: %d\n", value);
        return value;
    }
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct waiting w;
#ifdef REPAIRED
    w = (struct waiting){go_chan_make(int, 1), go_chan_make(int, 1)};
#else
    w = (struct waiting){go_chan_make(int, 0), go_chan_make(int, 0)};
#endif
    run(&w, "");
    return 0;
}
