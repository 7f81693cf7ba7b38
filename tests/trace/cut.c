/* cut.c - a recorded trace cut at any byte opens and keeps what stands before the cut.
 *
 * Chunks are mostly empty space in a small trace, so all cuts are made where bytes count and
 * some in the space behind. */
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

int main(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/goshawk-cut-%d.gtrace", (int)getpid());
    if (tr_start(path) != 0)
        return 1;
    synth_play(&(struct synth){.steps = 150, .threads = 2, .seed = 3});
    tr_stop();
    FILE *f = fopen(path, "rb");
    static unsigned char file[64 * TR_CHUNK_SIZE];
    size_t size = f ? fread(file, 1, sizeof(file), f) : 0;
    if (size == 0 || size == sizeof(file))
        return 1;
    fclose(f);
    unlink(path);

    unsigned long events = 0, cuts = 0;
    for (size_t n = 0; n < size; n++) {
        const struct tr_chunk_header *c = header_at(file, n / TR_CHUNK_SIZE);
        size_t within = n - (size_t)((const unsigned char *)c - file);
        if (n % TR_CHUNK_SIZE > 300 && within > c->used + 2u && n % 4099 != 0)
            continue;
        if (cut_here(file, n, &events)) {
            fprintf(stderr, "FAIL cut at byte %zu of %zu\n", n, size);
            return 1;
        }
        cuts++;
    }
    printf("%lu cuts of a trace of %lu events: each opens and keeps its prefix\n", cuts, events);
    return events > 300 ? 0 : 1;
}
