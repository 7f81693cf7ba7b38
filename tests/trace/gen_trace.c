/* gen_trace.c - writes a realistic trace: gen_trace FILE [steps [threads [procs [seed
 * [work_ns]]]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth.h"
#include "tr.h"

static unsigned long number(char **argv, int argc, int i)
{
    return i < argc ? strtoul(argv[i], NULL, 0) : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: gen_trace FILE [steps [threads [procs [seed [work_ns]]]]]\n");
        return 2;
    }
    struct synth o = {.steps = number(argv, argc, 2),
                      .threads = (unsigned)number(argv, argc, 3),
                      .procs = (unsigned)number(argv, argc, 4),
                      .seed = number(argv, argc, 5),
                      .work_ns = (unsigned)number(argv, argc, 6)};
    int err = tr_start(argv[1]);
    if (err) {
        fprintf(stderr, "gen_trace: %s: %s\n", argv[1], strerror(-err));
        return 1;
    }
    synth_play(&o);
    tr_stop();
    return 0;
}
