/* load_library.c - the library that load_program.c loads and unloads. */
#include <stdlib.h>

int library_data = 5, library_bss[1000];
static __thread int of_thread[100];
static int *made;

__attribute__((constructor)) static void begin(void)
{
    made = malloc(sizeof *made);
    *made = 1;
    library_bss[3] = *made;
}

__attribute__((destructor)) static void end(void)
{
    library_bss[4] = *made + library_data;
    free(made);
}

int *library_counter(void)
{
    return &of_thread[50];
}

int *library_address(void)
{
    return library_bss;
}

__attribute__((noinline)) void library_writes(int *p)
{
    *p = 1;
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

int library_reads(void)
{
    return *made + library_bss[3];
}

void library_uses(void)
{
    library_data++;
    library_bss[7]++;
    of_thread[7]++;
}
