/* maxprocs.c - how many goroutines run at the same time.
 *
 * GOMAXPROCS, or else the CPUs that this process may use, says it at the start; go_maxprocs() asks
 * and sets.  More of them than CPUs is possible and seldom useful.
 *
 *     GOMAXPROCS=3 goshawk run maxprocs.c
 *
 * Prints: asked 3, set 20 (was 3), now 20 */
#include <goshawk.h>
#include <stdio.h>

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("asked %d\n", go_maxprocs(-1));
    int old = go_maxprocs(20);
    printf("set 20 (was %d)\n", old);
    printf("now %d\n", go_maxprocs(-1));
    return 0;
}
