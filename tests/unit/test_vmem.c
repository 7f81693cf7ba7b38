/* test_vmem.c - reserved memory costs nothing until touched, and guards fault. */
#include "vmem.h"
#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf after_fault;

static void on_fault(int sig)
{
    siglongjmp(after_fault, sig);
}

/* The signal that reading *p raises, or 0. */
static int fault_at(const volatile char *p)
{
    struct sigaction act = {.sa_handler = on_fault}, old[2];
    sigaction(SIGSEGV, &act, &old[0]);
    sigaction(SIGBUS, &act, &old[1]);
    int sig = sigsetjmp(after_fault, 1);
    if (!sig)
        (void)*p;
    sigaction(SIGSEGV, &old[0], NULL);
    sigaction(SIGBUS, &old[1], NULL);
    return sig;
}

static size_t resident_pages(void *p, size_t size)
{
    static unsigned char in_core[4096];
    size_t count = 0;
    cr_assert_leq(size / VM_PAGE, sizeof(in_core));
    cr_assert_eq(mincore(p, size, in_core), 0);
    for (size_t i = 0; i < size / VM_PAGE; i++)
        count += in_core[i] & 1;
    return count;
}

Test(vmem, reserved_memory_is_zero_and_appears_on_touch)
{
    size_t size = 1024 * VM_PAGE;
    char *p = vm_reserve(size);
    cr_assert_not_null(p);
    cr_assert_eq((uintptr_t)p % VM_PAGE, 0);
    madvise(p, size, MADV_NOHUGEPAGE);
    cr_assert_eq(resident_pages(p, size), 0);
    for (size_t i = 0; i < size; i += 16 * VM_PAGE) {
        cr_assert_eq(p[i], 0);
        p[i] = 1;
    }
    cr_assert_eq(resident_pages(p, size), 64);
    vm_release(p, size);
    cr_assert_neq(fault_at(p), 0);
}

Test(vmem, far_more_than_memory_can_be_reserved)
{
    size_t size = (size_t)1 << 40;
    char *p = vm_reserve(size);
    cr_assert_not_null(p);
    p[size - 1] = 1;
    vm_release(p, size);
}

Test(vmem, what_cannot_be_had_is_null)
{
    cr_assert_null(vm_reserve((size_t)1 << 62));
}

Test(vmem, discarded_memory_reads_as_zero)
{
    char *p = vm_reserve(4 * VM_PAGE);
    memset(p, 7, 4 * VM_PAGE);
    vm_discard(p + VM_PAGE, 2 * VM_PAGE);
    cr_assert_eq(p[VM_PAGE - 1], 7);
    cr_assert_eq(p[VM_PAGE], 0);
    cr_assert_eq(p[3 * VM_PAGE - 1], 0);
    cr_assert_eq(p[3 * VM_PAGE], 7);
    vm_release(p, 4 * VM_PAGE);
}

Test(vmem, a_guard_faults_and_its_neighbours_do_not)
{
    char *p = vm_reserve(3 * VM_PAGE);
    memset(p, 7, 3 * VM_PAGE);
    cr_assert_eq(fault_at(p + VM_PAGE), 0);
    cr_assert(vm_guard(p + VM_PAGE, VM_PAGE));
    cr_assert_neq(fault_at(p + VM_PAGE), 0);
    cr_assert_neq(fault_at(p + 2 * VM_PAGE - 1), 0);
    cr_assert_eq(fault_at(p + VM_PAGE - 1), 0);
    cr_assert_eq(fault_at(p + 2 * VM_PAGE), 0);
    vm_release(p, 3 * VM_PAGE);
}

Test(vmem, a_guard_survives_a_discard)
{
    char *p = vm_reserve(2 * VM_PAGE);
    cr_assert(vm_guard(p, VM_PAGE));
    vm_discard(p, 2 * VM_PAGE);
    cr_assert_neq(fault_at(p), 0);
    cr_assert_eq(fault_at(p + VM_PAGE), 0);
    vm_release(p, 2 * VM_PAGE);
}

Test(vmem, renewed_memory_is_as_new_and_has_no_guards)
{
    char *p = vm_reserve(64 * VM_PAGE);
    memset(p, 7, 64 * VM_PAGE);
    cr_assert(vm_guard(p + VM_PAGE, VM_PAGE));
    cr_assert(vm_renew(p, 64 * VM_PAGE));
    cr_assert_eq(resident_pages(p, 64 * VM_PAGE), 0);
    cr_assert_eq(fault_at(p + VM_PAGE), 0);
    cr_assert_eq(p[0], 0);
    vm_release(p, 64 * VM_PAGE);
}

Test(vmem, resident_memory_is_found)
{
    enum { PAGES = 3000 };
    char *first, *p = vm_reserve(PAGES * VM_PAGE);
    madvise(p, PAGES * VM_PAGE, MADV_NOHUGEPAGE);
    cr_assert_eq(vm_resident(p, PAGES * VM_PAGE, &first), 0);
    cr_assert_eq(first, p + PAGES * VM_PAGE);
    p[2900 * VM_PAGE] = p[2000 * VM_PAGE] = p[2001 * VM_PAGE] = 1;
    cr_assert_eq(vm_resident(p, PAGES * VM_PAGE, &first), 3 * VM_PAGE);
    cr_assert_eq(first, p + 2000 * VM_PAGE);
    vm_release(p, PAGES * VM_PAGE);
}

/* Without marked guards: each costs mappings, so there is a budget, and none beyond it. */
Test(vmem, mapped_guards_keep_to_a_budget)
{
    char *p = vm_reserve(200 * VM_PAGE);
    vm_guard_limit(30);
    for (int i = 0; i < 100; i++) {
        char *at = p + (size_t)i * 2 * VM_PAGE;
        cr_assert_eq(vm_guard(at, VM_PAGE), i < 30 ? VM_MAPPED_GUARD : VM_NO_GUARD);
        cr_assert_eq(fault_at(at) != 0, i < 30);
    }
    cr_assert(vm_renew(p, 200 * VM_PAGE));
    vm_guards_gone(30);
    cr_assert_eq(vm_guard(p, VM_PAGE), VM_MAPPED_GUARD);
    vm_release(p, 200 * VM_PAGE);
}

Test(vmem, tens_of_thousands_of_guards)
{
    enum {
        GUARDS = 40000
    }; /* beyond what mappings alone allow: some may be refused, none may fail */
    char *p = vm_reserve((size_t)GUARDS * 2 * VM_PAGE);
    cr_assert_not_null(p);
    for (int i = 0; i < GUARDS; i++) {
        char *at = p + (size_t)i * 2 * VM_PAGE;
        bool guarded = vm_guard(at, VM_PAGE);
        if (i % 1000 == 0)
            cr_assert_eq(fault_at(at) != 0, guarded);
        at[VM_PAGE] = 1;
    }
    vm_release(p, (size_t)GUARDS * 2 * VM_PAGE);
}

Test(vmem, an_emulator_is_seen)
{
    cr_expect_eq(vm_emulated(), getenv("MESON_EXE_WRAPPER") != NULL);
}

Test(vmem, reads_what_may_be_gone)
{
    char *p = vm_reserve(2 * VM_PAGE), got[8] = "";
    strcpy(p + VM_PAGE - 8, "goshawk");
    cr_expect(vm_read(got, p + VM_PAGE - 8, 8));
    cr_expect_str_eq(got, "goshawk");
    vm_release(p + VM_PAGE, VM_PAGE);
    cr_expect(!vm_read(got, p + VM_PAGE - 4, 8));
    cr_expect(!vm_read(got, NULL, 8));
    vm_release(p, VM_PAGE);
}
