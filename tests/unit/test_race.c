/* test_race.c - go_race_*() in the plain build: nothing happens. */
#include "in_go.h"

IN_GO(race, plain_build_does_nothing)
{
    int x = 4;
    CHECK(!go_race_enabled() && go_race_errors() == 0);
    go_race_acquire(&x);
    go_race_release(&x);
    go_race_release_merge(&x);
    go_race_disable();
    go_race_read(&x, sizeof x);
    go_race_write(NULL, 1u << 30);
    go_race_enable();
    go_race_on_report(NULL, &x);
    CHECK(x == 4 && go_race_errors() == 0);
}
