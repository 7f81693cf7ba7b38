/* libc_cases.c - what libc does for the program: memory and string functions, the heap, input and
 * output. */
#include "race.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

char text[64], other[64];
volatile size_t sink;

/* ---- memory functions ---- */

FRAME void copy_out(void)
{
    memcpy(text, other, 40);
}

// expect: write text in byte_of_a_copy / write text in copy_out
RACE(byte_of_a_copy)
{
    first(copy_out);
    text[39] = 1;
}

NORACE(byte_behind_a_copy)
{
    first(copy_out);
    text[40] = 1;
}

// expect: write other in source_of_a_copy / read other in copy_out
RACE(source_of_a_copy)
{
    first(copy_out);
    other[39] = 1;
}

FRAME void clear_a_word(void)
{
    memset(text, 0, 8);
}

// expect: read text in constant_memset / write text in clear_a_word
RACE(constant_memset)
{
    first(clear_a_word);
    sink = (size_t)text[7];
}

FRAME void compare(void)
{
    sink = (size_t)memcmp(text, "bcdefgh", 7);
}

// expect: write text in memcmp_reads_to_the_difference / read text in compare
RACE(memcmp_reads_to_the_difference)
{
    first(compare);
    text[0] = 1;
}

NORACE(memcmp_reads_no_further)
{
    first(compare);
    text[1] = 1;
}

/* ---- strings ---- */

FRAME void measure(void)
{
    sink = strlen(text);
}

// expect: write text in end_of_a_string / read text in measure
RACE(end_of_a_string)
{
    memcpy(text, "hello", 6);
    first(measure);
    text[5] = 'x';
}

NORACE(behind_the_end_of_a_string)
{
    memcpy(text, "hello", 6);
    first(measure);
    text[6] = 'x';
}

FRAME void copy_string(void)
{
    strcpy(text, "hello");
}

// expect: read text in copied_string / write text in copy_string
RACE(copied_string)
{
    first(copy_string);
    sink = strlen(text);
}

FRAME void append(void)
{
    strcat(text, "x");
}

// expect: read text in appended_string / write text in append
RACE(appended_string)
{
    memcpy(text, "hello", 6);
    first(append);
    sink = (size_t)text[6];
}

NORACE(before_the_appended_string)
{
    memcpy(text, "hello", 6);
    first(append);
    sink = (size_t)text[4];
}

FRAME void format(void)
{
    snprintf(text, sizeof text, "%d", 12345);
}

// expect: write text in formatted_string / write text in format
RACE(formatted_string)
{
    first(format);
    text[5] = 1;
}

/* ---- the heap ---- */

static char *block;

FRAME void touch_block(void)
{
    block[60000] = 1;
}

FRAME void free_block(void)
{
    free(block);
}

// expect: free block in free_far_from_the_access / write block in touch_block
RACE(free_far_from_the_access)
{
    block = malloc(65536);
    first(touch_block);
    free(block);
}

// expect: write block in use_after_free / free block in free_block
RACE(use_after_free)
{
    block = malloc(200);
    first(free_block);
    block[100] = 1;
}

// expect: free block in grown_block / write block in touch_block
RACE(grown_block)
{
    block = malloc(65536);
    first(touch_block);
    char *grown = realloc(block, 200000);
    grown[0] = 1;
}

FRAME void use_and_free(void)
{
    for (int i = 0; i < 100; i++) {
        char *p = malloc(100 + (size_t)i), *q = strdup("hello");
        memset(p, 1, 100);
        p = realloc(p, 300);
        p[200] = q[1];
        free(p);
        free(q);
    }
}

NORACE(fresh_memory_has_no_past)
{
    first(use_and_free);
    use_and_free();
}

FRAME void map_and_unmap(void)
{
    for (int i = 0; i < 10; i++) {
        char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        p[5000] = 1;
        munmap(p, 1 << 16);
    }
}

NORACE(fresh_mapping_has_no_past)
{
    first(map_and_unmap);
    map_and_unmap();
}

/* ---- input and output ---- */

static int fd[2];

FRAME void receive(void)
{
    if (read(fd[0], text, 5) != 5)
        abort();
}

FRAME void receive_scattered(void)
{
    struct iovec v[] = {{other, 3}, {text, 20}};
    if (readv(fd[0], v, 2) != 5) /* into text */
        abort();
}

static void make_pipe_with_hello(void)
{
    if (pipe(fd) != 0 || write(fd[1], "hello", 5) != 5)
        abort();
}

// expect: write text in buffer_of_read / write text in receive
RACE(buffer_of_read)
{
    make_pipe_with_hello();
    first(receive);
    text[4] = 1;
}

// expect: write text in buffers_of_readv / write text in receive_scattered
RACE(buffers_of_readv)
{
    make_pipe_with_hello();
    first(receive_scattered);
    text[1] = 1;
}

NORACE(only_what_was_read)
{
    make_pipe_with_hello();
    first(receive_scattered);
    text[2] = 1;
}

FRAME void transmit(void)
{
    if (write(fd[1], text, 10) != 10)
        abort();
}

// expect: write text in buffer_of_write / read text in transmit
RACE(buffer_of_write)
{
    if (pipe(fd) != 0)
        abort();
    first(transmit);
    text[9] = 1;
}

FRAME void put_and_send(void)
{
    x = 1;
    if (write(fd[1], "12345678", 8) != 8)
        abort();
}

static void receive_and_put(void)
{
    struct pollfd ready = {.fd = fd[0], .events = POLLIN};
    char buf[8];
    go(put_and_send);
    while (poll(&ready, 1, 0) == 0) /* which orders nothing */
        go_yield();
    if (read(fd[0], buf, 8) != 8)
        abort();
    x = 2;
}

NORACE(pipe_orders)
{
    if (pipe(fd) != 0)
        abort();
    receive_and_put();
}

NORACE(socket_pair_orders)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
        abort();
    receive_and_put();
}

NORACE(eventfd_orders)
{
    fd[0] = fd[1] = eventfd(0, 0);
    receive_and_put();
}

NORACE(duplicated_descriptor_orders)
{
    if (pipe(fd) != 0)
        abort();
    fd[1] = dup(fd[1]);
    receive_and_put();
}

// expect: write x in another_pipe_orders_nothing / write x in put_and_send
RACE(another_pipe_orders_nothing)
{
    int that[2];
    char c;
    if (pipe(fd) != 0 || pipe(that) != 0 || write(that[1], "x", 1) != 1)
        abort();
    first(put_and_send);
    if (read(that[0], &c, 1) != 1)
        abort();
    x = 2;
}
