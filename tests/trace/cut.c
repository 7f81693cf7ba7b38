/* cut.c - a recorded trace cut at any byte opens and keeps what stands before the cut.
 *
 * Chunks are mostly empty space in a small trace, so all cuts are made where bytes count and
 * some in the space behind; a longer one, whose threads have staging chunks, is cut here and
 * there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format.h"
#include "reader.h"
#include "synth.h"

static const struct tr_chunk_header *header_at(const unsigned char *file, size_t chunk)
{
    size_t at = chunk ? chunk * TR_CHUNK_SIZE : sizeof(struct tr_file_header);
    return (const struct tr_chunk_header *)(file + at);
}

static int cut_here(const unsigned char *file, size_t n, unsigned long *last)
{
    unsigned char *part = malloc(n ? n : 1);
    char err[TR_ERR_MAX] = "";
    struct tr_reader *r;
    struct tr_event e;
    unsigned long events = 0;
    int bad = 0;
    memcpy(part, file, n);
    if (tr_reader_open_mem(part, n, &r, err) != 0) {
        bad = n >= sizeof(struct tr_file_header) || !*err;
        free(part);
        return bad;
    }
    while (tr_reader_next(r, &e)) {
        events++;
        bad |= e.wrong != NULL || e.offset >= n;
    }
    bad |= events < *last || !tr_reader_info(r)->problem || tr_reader_info(r)->damaged;
    *last = events;
    tr_reader_close(r);
    free(part);
    return bad;
}

static unsigned char file[64 * TR_CHUNK_SIZE];

/* Records a play into file.  Returns its size, 0 on failure. */
static size_t record(unsigned steps)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/goshawk-cut-%d.gtrace", (int)getpid());
    if (tr_start(path) != 0)
        return 0;
    synth_play(&(struct synth){.steps = steps, .threads = 2, .seed = 3});
    tr_stop();
    FILE *f = fopen(path, "rb");
    size_t size = f ? fread(file, 1, sizeof(file), f) : 0;
    if (f)
        fclose(f);
    unlink(path);
    return size < sizeof(file) ? size : 0;
}

static int wanted_in_small(size_t n)
{
    const struct tr_chunk_header *c = header_at(file, n / TR_CHUNK_SIZE);
    size_t within = n - (size_t)((const unsigned char *)c - file);
    return n % TR_CHUNK_SIZE <= 300 || within <= c->used + 2u || n % 4099 == 0;
}

static int wanted_in_large(size_t n)
{
    size_t within = n % TR_CHUNK_SIZE;
    return within <= 1 || within == 63 || within == 64 || n % 40009 == 0;
}

static int cuts(unsigned steps, unsigned long at_least, int (*wanted)(size_t n))
{
    size_t size = record(steps);
    unsigned long events = 0, made = 0;
    for (size_t n = 0; n < size; n++) {
        if (!wanted(n))
            continue;
        if (cut_here(file, n, &events)) {
            fprintf(stderr, "FAIL cut at byte %zu of %zu\n", n, size);
            return 1;
        }
        made++;
    }
    printf("%lu cuts of a trace of %lu events: each opens and keeps its prefix\n", made, events);
    if (events < at_least)
        fprintf(stderr, "FAIL the trace should have more than %lu events\n", at_least);
    return events < at_least;
}

/* Chunks that stand for others. */
static unsigned staging(void)
{
    const struct tr_file_header *f = (const struct tr_file_header *)file;
    unsigned n = 0;
    for (size_t i = 1; i < f->chunks; i++)
        n += header_at(file, i)->magic == TR_CHUNK_MAGIC && header_at(file, i)->place != i;
    return n;
}

int main(void)
{
    if (cuts(150, 300, wanted_in_small) || cuts(60000, 100000, wanted_in_large))
        return 1;
    if (staging() != 2) {
        fprintf(stderr, "FAIL the long trace has %u staging chunks\n", staging());
        return 1;
    }
    return 0;
}
