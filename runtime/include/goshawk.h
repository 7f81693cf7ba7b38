/* goshawk.h - goroutines for C: everything at once.
 *
 *     #include <goshawk.h>
 *
 *     static void hello(int i) { printf("hello %d\n", i); }
 *
 *     int go_main(int argc, char **argv)
 *     {
 *         go(hello, 1);
 *         go_sleep(GO_MILLISECOND);
 *         return 0;
 *     }
 *
 * Build with `goshawk cc hello.c -o hello`; with the race detector: `goshawk cc -race hello.c`. */
#ifndef GOSHAWK_H
#define GOSHAWK_H

#include <goshawk/base.h>
#include <goshawk/go.h>
#include <goshawk/panic.h>
#include <goshawk/time.h>
#include <goshawk/chan.h>
#include <goshawk/select.h>
#include <goshawk/mutex.h>
#include <goshawk/rwmutex.h>
#include <goshawk/waitgroup.h>
#include <goshawk/once.h>
#include <goshawk/cond.h>
#include <goshawk/sem.h>
#include <goshawk/group.h>
#include <goshawk/timer.h>
#include <goshawk/context.h>
#include <goshawk/io.h>
#include <goshawk/metrics.h>
#include <goshawk/race.h>
#include <goshawk/trace.h>

#endif
