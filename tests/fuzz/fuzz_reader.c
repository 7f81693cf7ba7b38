/* fuzz_reader.c - the reader under libFuzzer: no input may make it crash, hang or go out of bounds.
 *
 * tools/dev fuzz trace runs it, from the corpus in trace_corpus.tar.xz.  Checksums would stop
 * every mutation at the door, so they are put right first; every fourth input goes in as it is.
 * Addresses are not symbolised: that would open the files that the input names.
 *
 * With -DREPLAY it is a program of its own, a test that reads the corpus once: each file named. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "format.h"
#include "reader.h"

enum { EVENTS_MAX = 1 << 20 };

static void put_sums_right(uint8_t *p, size_t n)
{
    struct tr_file_header f;
    if (n < sizeof(f))
        return;
    memcpy(&f, p, sizeof(f));
    memcpy(f.magic, TR_MAGIC, TR_MAGIC_LEN);
    f.version = TR_VERSION;
    f.header_size = sizeof(f);
    f.chunk_size = TR_CHUNK_MIN;
    f.sum = tr_sum(&f, offsetof(struct tr_file_header, sum));
    memcpy(p, &f, sizeof(f));
    for (size_t at = 0; at + sizeof(struct tr_chunk_header) <= n; at += f.chunk_size) {
        struct tr_chunk_header c;
        size_t where = at ? at : sizeof(f);
        if (where + sizeof(c) > n)
            break;
        memcpy(&c, p + where, sizeof(c));
        c.magic = TR_CHUNK_MAGIC;
        c.header_sum = tr_chunk_header_sum(&c);
        memcpy(p + where, &c, sizeof(c));
    }
}

static void on_span(void *arg, const struct tr_span *s)
{
    uint64_t *spans = arg;
    if (s->end < s->begin)
        abort();
    ++*spans;
}

static void read_all(struct tr_reader *r)
{
    uint64_t spans = 0, events = 0;
    int64_t last = 0;
    char text[64];
    struct tr_event e;
    struct tr_spans *sp = tr_spans_make(r, on_span, &spans);
    while (events < EVENTS_MAX && tr_reader_next(r, &e)) {
        if (e.time < last || e.n != events)
            abort();
        last = e.time;
        events++;
        tr_spans_feed(sp, &e);
        tr_reader_obj_name(r, e.why, e.obj, text, sizeof(text));
        (void)tr_reader_g(r, e.g);
    }
    tr_spans_finish(sp);
    tr_spans_free(sp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char err[TR_ERR_MAX], verdict[TR_ERR_MAX];
    struct tr_reader *r;
    uint8_t *p = malloc(size ? size : 1);
    memcpy(p, data, size);
    if (size == 0 || data[size - 1] % 4)
        put_sums_right(p, size);
    if (tr_reader_open_mem(p, size, &r, err) == 0) {
        read_all(r);
        tr_reader_rewind(r);
        read_all(r);
        tr_reader_verdict(r, verdict, sizeof(verdict));
        tr_reader_close(r);
    }
    free(p);
    return 0;
}

#ifdef REPLAY
int main(int argc, char **argv)
{
    enum { INPUT_MAX = 1 << 20 };
    static uint8_t input[INPUT_MAX];
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f)
            return 1;
        size_t n = fread(input, 1, sizeof(input), f);
        fclose(f);
        (void)LLVMFuzzerTestOneInput(input, n);
    }
    return argc > 1 ? 0 : 1;
}
#endif
