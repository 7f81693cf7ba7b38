/* memory_cases.c - which bytes an access touches: fields, arrays, blocks, stacks. */
#include "race.h"

#include <errno.h>
#include <string.h>

/* Objects have external linkage, so that no store to them is dead. */

/* ---- structures ---- */

struct point {
    int x, y;
};

struct line {
    struct point a, b;
};

struct line s;

FRAME void write_ax(void)
{
    s.a.x = 1;
}

FRAME void write_by(void)
{
    s.b.y = 1;
}

NORACE(neighbouring_fields)
{
    first(write_ax);
    s.a.y = 2;
}

NORACE(fields_of_different_members)
{
    first(write_by);
    s.a.y = 2;
}

// expect: write s in same_field / write s in write_by
RACE(same_field)
{
    first(write_by);
    s.b.y = 2;
}

// expect: write s in whole_structure_after_its_first_field / write s in write_ax
RACE(whole_structure_after_its_first_field)
{
    first(write_ax);
    s = (struct line){{0, 0}, {0, 0}};
}

struct line copy;

FRAME void copy_s(void)
{
    copy = s;
}

// expect: write s in field_after_copy_of_the_structure / read copy in copy_s
RACE(field_after_copy_of_the_structure)
{
    first(copy_s);
    s.b.y = 2;
}

struct bits {
    unsigned a : 4, b : 4;
    unsigned : 0;
    unsigned c : 4;
};

struct bits bits;

FRAME void write_bits_a(void)
{
    bits.a = 1;
}

/* Neighbouring bit-fields are one memory location in C. */
// expect: read bits in bit_fields_of_one_unit / write bits in write_bits_a
RACE(bit_fields_of_one_unit)
{
    first(write_bits_a);
    y = bits.b;
}

NORACE(bit_fields_of_two_units)
{
    first(write_bits_a);
    bits.c = 2;
}

/* ---- widths and offsets ---- */

union {
    char byte[16];
    short half[8];
    int word[4];
    long quad[2];
    double real[2];
} u __attribute__((aligned(16)));

FRAME void write_byte_3(void)
{
    u.byte[3] = 1;
}

FRAME void write_half_1(void)
{
    u.half[1] = 1;
}

FRAME void write_quad_0(void)
{
    u.quad[0] = 1;
}

FRAME void write_real_1(void)
{
    u.real[1] = 1;
}

NORACE(neighbouring_bytes)
{
    first(write_byte_3);
    u.byte[2] = 2;
    u.byte[4] = 2;
}

// expect: write word in word_over_a_byte / write byte in write_byte_3
RACE(word_over_a_byte)
{
    first(write_byte_3);
    u.word[0] = 2;
}

// expect: write byte in byte_in_a_half_word / write half in write_half_1
RACE(byte_in_a_half_word)
{
    first(write_half_1);
    u.byte[3] = 2;
}

NORACE(byte_beside_a_half_word)
{
    first(write_half_1);
    u.byte[1] = 2;
    u.byte[4] = 2;
}

// expect: read word in upper_half_of_a_long / write quad in write_quad_0
RACE(upper_half_of_a_long)
{
    first(write_quad_0);
    y = u.word[1];
}

NORACE(long_beside_a_double)
{
    first(write_real_1);
    u.quad[0] = 2;
}

// expect: read byte in last_byte_of_a_double / write real in write_real_1
RACE(last_byte_of_a_double)
{
    first(write_real_1);
    y = u.byte[15];
}

struct __attribute__((packed)) packed {
    char c;
    int i;
    char end;
};

struct packed packed __attribute__((aligned(16)));

FRAME void write_packed(void)
{
    packed.i = 1;
}

// expect: write byte in byte_of_an_unaligned_int / write packed in write_packed
RACE(byte_of_an_unaligned_int)
{
    first(write_packed);
    char *byte = (char *)&packed;
    byte[4] = 2;
}

NORACE(byte_beside_an_unaligned_int)
{
    first(write_packed);
    packed.c = 2;
    packed.end = 2;
}

/* An int across two words of eight bytes. */
char across[16] __attribute__((aligned(16)));

FRAME void write_across(void)
{
    int v = 1;
    *(int *__attribute__((may_alias)))(void *)(across + 6) = v;
}

// expect: write across in second_word_of_an_int_across_two / write across in write_across
RACE(second_word_of_an_int_across_two)
{
    first(write_across);
    across[9] = 2;
}

NORACE(bytes_around_an_int_across_two)
{
    first(write_across);
    across[5] = 2;
    across[10] = 2;
}

double _Complex z_complex;

FRAME void write_complex(void)
{
    z_complex = 1;
}

// expect: read z_complex in complex_number / write z_complex in write_complex
RACE(complex_number)
{
    first(write_complex);
    y = (int)((double *)&z_complex)[1];
}

/* ---- arrays ---- */

int array[10];

FRAME void write_array_4(void)
{
    array[4] = 1;
}

NORACE(neighbouring_elements)
{
    first(write_array_4);
    array[3] = array[5] = 2;
}

// expect: write array in same_element / write array in write_array_4
RACE(same_element)
{
    first(write_array_4);
    array[4] = 2;
}

FRAME void sum_array(void)
{
    for (int i = 0; i < 10; i++)
        y += array[i];
}

// expect: write array in element_of_a_summed_array / read array in sum_array
RACE(element_of_a_summed_array)
{
    first(sum_array);
    array[9] = 2;
}

static int at = 4;

FRAME void write_array_at(void)
{
    array[at] = 1;
}

// expect: write at in index_is_read_too / read at in write_array_at
RACE(index_is_read_too)
{
    first(write_array_at);
    at = 5;
}

/* ---- pointers and functions ---- */

static int *ptr = &x;
static void (*function)(void) = write_ax;

FRAME void write_through_ptr(void)
{
    *ptr = 1;
}

// expect: write ptr in pointer_is_read_to_be_followed / read ptr in write_through_ptr
RACE(pointer_is_read_to_be_followed)
{
    first(write_through_ptr);
    ptr = &y;
}

NORACE(pointer_is_not_what_it_points_to)
{
    first(write_through_ptr);
    if (ptr != &x)
        abort();
}

FRAME void call_function(void)
{
    function();
}

// expect: write function in function_pointer / read function in call_function
RACE(function_pointer)
{
    first(call_function);
    function = write_by;
}

FRAME void read_x_or_y(void)
{
    z = y == 0 || x == 1;
}

NORACE(operand_that_is_not_evaluated)
{
    first(read_x_or_y);
    x = 2;
}

FRAME void switch_on_x(void)
{
    switch (x) {
    case 1:
        y = 1;
        break;
    default:
        y = 2;
    }
}

// expect: write x in condition_of_a_switch / read x in switch_on_x
RACE(condition_of_a_switch)
{
    first(switch_on_x);
    x = 1;
}

/* ---- mem* and str* ---- */

char text[64] = "goshawk", other[64];

FRAME void memset_text(void)
{
    memset(text, 'a', sizeof text);
}

FRAME void memcpy_from_text(void)
{
    memcpy(other, text, sizeof other);
}

FRAME void strlen_text(void)
{
    z = (int)strlen(text);
}

FRAME void strcpy_to_text(void)
{
    strcpy(text, "falcon");
}

FRAME void memcmp_text(void)
{
    z = memcmp(text, other, 8) == 0;
}

// expect: write text in memset_of_a_constant_size / write text in memset_text
RACE(memset_of_a_constant_size)
{
    first(memset_text);
    text[40] = 2;
}

// expect: write text in memcpy_reads / read text in memcpy_from_text
RACE(memcpy_reads)
{
    first(memcpy_from_text);
    text[40] = 2;
}

// expect: read other in memcpy_writes / write other in memcpy_from_text
RACE(memcpy_writes)
{
    first(memcpy_from_text);
    y = other[63];
}

NORACE(memcpy_does_not_write_its_source)
{
    first(memcpy_from_text);
    y = text[40];
}

// expect: write text in memcmp_reads / read text in memcmp_text
RACE(memcmp_reads)
{
    first(memcmp_text);
    text[0] = 2;
}

// expect: write text in strlen_reads / read text in strlen_text
RACE(strlen_reads)
{
    first(strlen_text);
    text[2] = 'x';
}

NORACE(strlen_stops_at_the_end)
{
    first(strlen_text);
    text[20] = 'x';
}

// expect: read text in strcpy_writes / write text in strcpy_to_text
RACE(strcpy_writes)
{
    first(strcpy_to_text);
    y = text[6];
}

NORACE(strcpy_writes_no_more_than_the_string)
{
    first(strcpy_to_text);
    text[7] = 'x';
}

/* ---- heap ---- */

static int *block;

FRAME void write_block(void)
{
    block[5] = 1;
}

FRAME void free_block(void)
{
    free(block);
}

// expect: write block in heap_block / write block in write_block
RACE(heap_block)
{
    block = malloc(10 * sizeof *block);
    first(write_block);
    block[5] = 2;
}

// expect: free block in free_unordered_with_a_write / write block in write_block
RACE(free_unordered_with_a_write)
{
    block = malloc(10 * sizeof *block);
    first(write_block);
    free(block);
}

// expect: read block in read_after_free_by_another / free block in free_block
RACE(read_after_free_by_another)
{
    block = malloc(10 * sizeof *block);
    first(free_block);
    y = block[5];
}

FRAME void allocate_use_free(size_t size, go_waitgroup *wg)
{
    for (int i = 0; i < 200; i++) {
        char *p = malloc(size);
        memset(p, i, size);
        p = realloc(p, 2 * size);
        p[2 * size - 1] = 1;
        free(p);
    }
    go_waitgroup_done(wg);
}

/* Blocks travel from goroutine to goroutine through malloc alone. */
NORACE(memory_allocated_again)
{
    static go_waitgroup wg;
    go_waitgroup_add(&wg, 8);
    for (int i = 0; i < 8; i++)
        go(allocate_use_free, i % 2 ? 40 : 4000, &wg);
    go_waitgroup_wait(&wg);
}

/* ---- stacks ---- */

FRAME void write_int(int *p)
{
    *p = 1;
    step_to(1);
}

/* Keeps the compiler from dropping a last store to a local variable. */
static void keep(int *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

// expect: write local in variable_on_the_stack_of_main / write p in write_int
RACE(variable_on_the_stack_of_main)
{
    int local = 0;
    go(write_int, &local);
    await_step(1);
    local = 2;
    keep(&local);
}

FRAME void owner(void)
{
    int local = 0;
    go(write_int, &local);
    await_step(1);
    local = 2;
    keep(&local);
    step_to(2);
}

// expect: write local in owner / write p in write_int
RACE(variable_on_the_stack_of_a_goroutine)
{
    go(owner);
    await_step(2);
}

FRAME int use_stack(int depth)
{
    int local[32];
    for (int i = 0; i < 32; i++)
        local[i] = depth + i;
    keep(local);
    return depth ? use_stack(depth - 1) + local[depth % 32] : local[0];
}

FRAME void user_of_stack(go_waitgroup *wg)
{
    use_stack(20);
    go_waitgroup_done(wg);
}

/* The stack of an ended goroutine is new memory to the next one. */
NORACE(stack_used_again)
{
    for (int round = 0; round < 20; round++) {
        go_waitgroup wg = {0};
        go_waitgroup_add(&wg, 1);
        go(user_of_stack, &wg);
        go_waitgroup_wait(&wg);
    }
}

FRAME void only_stack(go_chan(char) done)
{
    use_stack(20);
    go_chan_send(done, 0);
}

NORACE(stacks_used_at_the_same_time_and_again)
{
    go_chan(char) done = go_chan_make(char, 0);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 10; i++)
            go(only_stack, done);
        for (int i = 0; i < 10; i++)
            go_chan_recv(done);
    }
}

/* A frame that ended, and a deeper call of the same goroutine at the same address. */
FRAME void lend(int *p, go_chan(char) done)
{
    *p = 1;
    go_chan_send(done, 0);
}

FRAME void lend_local(go_chan(char) done)
{
    int local[8] = {0};
    go(lend, &local[3], done);
    go_chan_recv(done);
    keep(local);
}

NORACE(local_variable_lent_and_returned)
{
    go_chan(char) done = go_chan_make(char, 0);
    for (int i = 0; i < 20; i++) {
        lend_local(done);
        use_stack(5);
    }
}

static _Thread_local int per_thread;

FRAME void write_per_thread(void)
{
    per_thread = 1;
}

/* In a function of its own: compilers keep errno's address over calls, go_yield() too. */
FRAME void write_errno(int i)
{
    errno = i;
}

FRAME void use_thread_local(go_chan(char) done)
{
    for (int i = 0; i < 10; i++) {
        write_per_thread();
        write_errno(i);
        if (i % 3 == 0)
            go_yield();
    }
    go_chan_send(done, 0);
}

/* Goroutines that one thread runs in turn may share its thread-local variables. */
NORACE(thread_local_of_one_thread)
{
    go_chan(char) done = go_chan_make(char, 0);
    for (int i = 0; i < 4; i++)
        go(use_thread_local, done);
    for (int i = 0; i < 4; i++)
        go_chan_recv(done);
}

/* Each goroutine on its own locked thread. */
FRAME void own_thread(go_chan(char) done)
{
    go_lock_thread();
    write_per_thread();
    go_chan_send(done, 0);
    go_unlock_thread();
}

NORACE(thread_local_of_different_threads)
{
    go_chan(char) done = go_chan_make(char, 0);
    go(own_thread, done);
    go_lock_thread();
    per_thread = 2;
    go_chan_recv(done);
    go_unlock_thread();
}
