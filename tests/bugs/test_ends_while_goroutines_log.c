/* test_ends_while_goroutines_log.c - a goroutine logs to a test that is over (a pattern of
 * serving).
 *
 * The autoscaler's goroutine outlives the test that started it and writes into the test's log,
 * which is freed when the test returns. The repair stops the goroutine and waits for it before the
 * test ends.
 *
 * shows: race log_line test_scales_up
 * when: always */
#include <goshawk.h>
#include <stdio.h>
#include <stdlib.h>

struct test_log {
    int lines;
};

struct scaler {
    struct test_log *log;
    go_chan(char) stop;
    go_waitgroup wg;
};

static void log_line(struct test_log *l)
{
    l->lines++;
}

static void autoscale(struct scaler *s)
{
    for (;;) {
        go_chan(go_time) tick = go_after(GO_MILLISECOND);
        int chosen = go_select(go_recv_case(s->stop, NULL), go_recv_case(tick, NULL));
        go_chan_free(tick);
        if (chosen == 0)
            break;
        log_line(s->log);
    }
    go_waitgroup_done(&s->wg);
}

static struct scaler scaler;

static void test_scales_up(void)
{
    scaler.log = calloc(1, sizeof *scaler.log);
    scaler.stop = go_chan_make(char, 0);
    go_waitgroup_add(&scaler.wg, 1);
    go(autoscale, &scaler);
    go_sleep(3 * GO_MILLISECOND);
#ifdef REPAIRED
    go_chan_close(scaler.stop);
    go_waitgroup_wait(&scaler.wg);
#endif
    free(scaler.log);
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    test_scales_up();
    go_sleep(5 * GO_MILLISECOND); /* the next test */
    printf("ok\n");
    return 0;
}
