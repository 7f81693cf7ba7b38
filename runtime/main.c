/* main.c - main() of programs that have a go_main().  A library of its own, so that a program with
 * its own main() does not get this one. */
#include <goshawk/go.h>

int main(int argc, char **argv)
{
    return go_run(go_main, argc, argv);
}
