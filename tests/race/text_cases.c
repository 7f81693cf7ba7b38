/* text_cases.c - what printf, scanf, wide strings and conversions touch for the program. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "race.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

char text[16], other[1024];
wchar_t wide[32], wider[32];
volatile size_t sink;

/* ---- printf ---- */

FRAME void print_text(void)
{
    snprintf(other, sizeof other, "%5d %s", 7, text);
}

// expect: write text in argument_of_percent_s / read text in print_text
RACE(argument_of_percent_s)
{
    memcpy(text, "hello", 6);
    first(print_text);
    text[5] = 'x';
}

NORACE(behind_the_end_of_a_printed_string)
{
    memcpy(text, "hello", 6);
    first(print_text);
    text[6] = 'x';
}

FRAME void print_three(void)
{
    snprintf(other, sizeof other, "%-8.3s%%%.*f%ld", text, 2, 1.5, 9l);
}

// expect: write text in inside_a_precision / read text in print_three
RACE(inside_a_precision)
{
    memcpy(text, "hello", 6);
    first(print_three);
    text[2] = 'x';
}

NORACE(beyond_a_precision)
{
    memcpy(text, "hello", 6);
    first(print_three);
    text[3] = 'x';
}

FRAME void print_after_others(void)
{
    void *p = other;
    snprintf(other, 64, "%c%hhd%zu%Lg%p%*d%s", 'a', (char)1, (size_t)2, 3.0L, p, 5, 6, text);
}

// expect: write text in string_behind_other_arguments / read text in print_after_others
RACE(string_behind_other_arguments)
{
    text[0] = 'a';
    first(print_after_others);
    text[1] = 'x';
}

FRAME void print_wide(void)
{
    snprintf(other, sizeof other, "%ls", wide);
}

// expect: write wide in argument_of_percent_ls / read wide in print_wide
RACE(argument_of_percent_ls)
{
    wide[0] = 'a';
    first(print_wide);
    wide[1] = 'x';
}

FRAME void count_printed(void)
{
    snprintf(other, sizeof other, "abc%n", &x);
}

// expect: read x in argument_of_percent_n / write x in count_printed
RACE(argument_of_percent_n)
{
    first(count_printed);
    sink = (size_t)x;
}

FRAME void count_in_a_short(void)
{
    snprintf(other, sizeof other, "abc%hn", (short *)&x);
}

NORACE(percent_hn_is_a_short)
{
    first(count_in_a_short);
    ((short *)&x)[1] = 1;
}

FRAME void print_to_stream(void)
{
    FILE *f = fopen("/dev/null", "w");
    fprintf(f, "%s", text);
    fclose(f);
}

// expect: write text in argument_of_fprintf / read text in print_to_stream
RACE(argument_of_fprintf)
{
    text[0] = 'a';
    first(print_to_stream);
    text[0] = 'x';
}

FRAME void print_into(void)
{
    sprintf(text, "%d", 12345);
}

// expect: write text in result_of_sprintf / write text in print_into
RACE(result_of_sprintf)
{
    first(print_into);
    text[5] = 1;
}

NORACE(behind_the_result_of_sprintf)
{
    first(print_into);
    text[6] = 1;
}

static char *made;

FRAME void print_new(void)
{
    if (asprintf(&made, "%d", 1) < 0)
        abort();
}

// expect: read made in result_of_asprintf / write made in print_new
// expect: read made in result_of_asprintf / write made in print_new
RACE(result_of_asprintf)
{
    first(print_new);
    sink = (size_t)made[0];
}

NORACE(strings_printed_by_both)
{
    memcpy(text, "hello", 6);
    go(call_and_step, print_to_stream);
    print_to_stream();
    await_step(1);
}

/* ---- scanf ---- */

FRAME void scan_number_and_word(void)
{
    char word[16];
    if (sscanf("12 abc", "%d %15s", &x, word) != 2)
        abort();
}

// expect: read x in number_that_was_scanned / write x in scan_number_and_word
RACE(number_that_was_scanned)
{
    first(scan_number_and_word);
    sink = (size_t)x;
}

FRAME void scan_word(void)
{
    int n;
    if (sscanf("12 abc zz", "%d %*s %s", &n, text) != 2)
        abort();
}

// expect: write text in word_that_was_scanned / write text in scan_word
RACE(word_that_was_scanned)
{
    first(scan_word);
    text[2] = 1;
}

NORACE(behind_a_word_that_was_scanned)
{
    first(scan_word);
    text[3] = 1;
}

FRAME void scan_in_vain(void)
{
    if (sscanf("12 abc", "%d %d", &x, &y) != 1)
        abort();
}

NORACE(what_was_not_scanned)
{
    first(scan_in_vain);
    y = 1;
}

FRAME void scan_from_text(void)
{
    int n;
    sink = (size_t)sscanf(text, "%d", &n);
}

// expect: write text in source_of_sscanf / read text in scan_from_text
RACE(source_of_sscanf)
{
    text[0] = '1';
    first(scan_from_text);
    text[1] = '2';
}

/* ---- lines ---- */

static char *line;
static size_t room;

FRAME void get_a_line(void)
{
    FILE *f = fopen("/proc/self/comm", "r");
    if (getdelim(&line, &room, '\n', f) < 1) /* not getline(), which is inline */
        abort();
    fclose(f);
}

// expect: write line in line_of_getdelim / write line in get_a_line
RACE(line_of_getdelim)
{
    line = malloc(100);
    room = 100;
    char *mine = line;
    first(get_a_line);
    mine[1] = 'x'; /* of line */
}

// expect: read room in length_of_getdelim / write room in get_a_line
RACE(length_of_getdelim)
{
    first(get_a_line);
    sink = room;
}

/* ---- wide strings ---- */

FRAME void copy_wide(void)
{
    wcscpy(wide, L"ab");
}

// expect: write wide in copied_wide_string / write wide in copy_wide
RACE(copied_wide_string)
{
    first(copy_wide);
    wide[2] = 1;
}

NORACE(behind_a_copied_wide_string)
{
    first(copy_wide);
    wide[3] = 1;
}

FRAME void measure_wide(void)
{
    sink = wcslen(wide);
}

// expect: write wide in end_of_a_wide_string / read wide in measure_wide
RACE(end_of_a_wide_string)
{
    wide[0] = 'a';
    first(measure_wide);
    wide[1] = 'x';
}

FRAME void compare_wide(void)
{
    sink = (size_t)wcscmp(wide, wider);
}

NORACE(wcscmp_reads_no_further)
{
    wide[0] = 'a';
    wider[0] = 'b';
    first(compare_wide);
    wider[1] = 'x';
}

FRAME void move_wide(void)
{
    wmemmove(wide, wider, 4);
}

// expect: write wider in source_of_wmemmove / read wider in move_wide
RACE(source_of_wmemmove)
{
    first(move_wide);
    wider[3] = 'x';
}

/* ---- numbers and pieces of text ---- */

FRAME void parse_long_long(void)
{
    sink = (size_t)strtoll(text, NULL, 10);
}

// expect: write text in digits_of_strtoll / read text in parse_long_long
RACE(digits_of_strtoll)
{
    memcpy(text, "123", 4);
    first(parse_long_long);
    text[3] = '4';
}

NORACE(behind_the_digits)
{
    memcpy(text, "123 567", 8);
    first(parse_long_long);
    text[4] = '4';
}

FRAME void parse_float(void)
{
    if (strtof(text, &made) != 0)
        abort();
}

// expect: read made in end_of_strtof / write made in parse_float
RACE(end_of_strtof)
{
    first(parse_float);
    sink = (size_t)made;
}

FRAME void cut(void)
{
    char *rest;
    if (strtok_r(text, ",", &rest) != text)
        abort();
}

// expect: read text in token_that_was_cut / write text in cut
RACE(token_that_was_cut)
{
    memcpy(text, "ab,cd", 6);
    first(cut);
    sink = (size_t)text[2];
}

NORACE(behind_the_token)
{
    memcpy(text, "ab,cd", 6);
    first(cut);
    text[3] = 1;
}

/* ---- streams over a pipe order; others do not ---- */

static FILE *ends[2];

FRAME void put_and_print(void)
{
    x = 1;
    fprintf(ends[1], "hello\n");
    fflush(ends[1]);
}

NORACE(stream_over_a_pipe_orders)
{
    int fd[2];
    char got[16];
    if (pipe(fd) != 0)
        abort();
    ends[0] = fdopen(fd[0], "r");
    ends[1] = fdopen(fd[1], "w");
    go(put_and_print);
    if (!fgets(got, sizeof got, ends[0]))
        abort();
    x = 2;
}
