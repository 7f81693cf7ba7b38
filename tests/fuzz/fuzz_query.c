/* fuzz_query.c - queries and expectations under libFuzzer: a text is taken or refused, with a place
 * inside it.
 *
 *   CC=clang meson setup build-fuzz && ninja -C build-fuzz tests/trace/fuzz_query
 *   build-fuzz/tests/trace/fuzz_query -max_total_time=60 -dict=tests/fuzz/query.dict CORPUS
 *
 * A corpus begins well with the queries of tests/query_cases.txt, one a file. */
#include <stdlib.h>
#include <string.h>
#include "expect.h"
#include "query.h"
#include "reader.h"

static void ask(const struct tr_query *q)
{
    struct tr_subject s = {.g = 7,
                           .label = "worker",
                           .fn = "worker",
                           .why = "chan receive",
                           .obj = "chan#3",
                           .addr = 0x7f10,
                           .at_function = "take",
                           .at_line = 3,
                           .at_file = "/src/pool.c",
                           .state = TR_CL_CHAN,
                           .blocked = true,
                           .p = -1,
                           .m = -1,
                           .begin = 5,
                           .end = 5000000,
                           .is_span = true};
    (void)tr_query_matches(q, &s);
    s = (struct tr_subject){.event = "log", .text = "miss", .state = -1};
    (void)tr_query_matches(q, &s);
    (void)tr_query_names_spans(q);
}

static void expectation(const char *text)
{
    struct tr_expect e;
    struct tr_query_error err = {0};
    if (tr_expect_make(text, &e, &err))
        tr_expect_fini(&e);
    else if (err.column < 1 || err.column > strlen(text) + 1 || !err.message[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct tr_query_error err = {0};
    memcpy(text, data, size);
    text[size] = 0;
    struct tr_query *q = tr_query_make(text, &err);
    if (q)
        ask(q);
    else if (err.column < 1 || err.column > strlen(text) + 1 || !err.message[0])
        abort();
    tr_query_free(q);
    expectation(text);
    free(text);
    return 0;
}
