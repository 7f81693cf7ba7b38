/* marks.c - tasks, regions and logs from everywhere: goroutines, their children, deferred calls,
 * panics, a plain thread (see marks.py). */
#include <goshawk.h>
#include <pthread.h>
#include <stdio.h>

static void child(go_waitgroup *wg)
{
    go_trace_region("child's") {
        go_trace_log("kind", "from the %s", "child");
    }
    go_waitgroup_done(wg);
}

static void panics(void *arg)
{
    (void)arg;
    go_trace_region("broken") {
        go_panic("in a region");
    }
}

static int returns(void)
{
    go_trace_region("returned from") {
        return 5;
    }
    return 6;
}

static void exits(go_waitgroup *wg)
{
    go_defer(go_waitgroup_done, wg);
    go_trace_region("exited") {
        go_exit();
    }
}

static void *thread(void *arg)
{
    go_trace_log("kind", "from a thread");
    return arg;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    go_waitgroup wg = {0};
    go_trace_log("kind", "before any task");
    go_task outer = go_trace_task("outer"), inner = go_trace_task("inner");
    go_waitgroup_add(&wg, 1);
    go(child, &wg);
    go_waitgroup_wait(&wg);
    go_trace_task_end(inner);
    go_trace_region("with break") {
        go_trace_region("nested") {
            go_trace_log("kind", "%d of %s", 1, "outer");
        }
        break;
    }
    go_recover(panics, NULL);
    int five = returns();
    go_waitgroup_add(&wg, 1);
    go(exits, &wg);
    go_waitgroup_wait(&wg);
    go_trace_task_end(outer);
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    go_trace_log("kind", "after all tasks");
    return five == 5 ? 0 : 1;
}
