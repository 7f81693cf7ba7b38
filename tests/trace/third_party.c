/* third_party.c - somebody else's program that reads traces with the installed library: prints the
 * number of events, of goroutines created, and of nanoseconds that goroutines ran.  C and C++. */
#include <reader.h>
#include <stdio.h>

static void on_span(void *arg, const struct tr_span *s)
{
    if (s->lane == TR_LANE_G && s->state == TR_G_RUNNING)
        *(long long *)arg += s->end - s->begin;
}

int main(int argc, char **argv)
{
    struct tr_reader *r;
    struct tr_event e;
    char err[TR_ERR_MAX];
    long long events = 0, created = 0, ran = 0;
    if (argc < 2 || tr_reader_open(argv[1], &r, err) != 0) {
        fprintf(stderr, "%s\n", argc < 2 ? "usage: third_party FILE" : err);
        return 1;
    }
    struct tr_spans *spans = tr_spans_make(r, on_span, &ran);
    while (tr_reader_next(r, &e)) {
        events++;
        created += e.type == TR_EV_GO_CREATE;
        tr_spans_feed(spans, &e);
    }
    tr_spans_finish(spans);
    tr_spans_free(spans);
    tr_reader_close(r);
    printf("%lld events, %lld created, ran %lld ns\n", events, created, ran);
    return 0;
}
