/* stacks.c - see stacks.h.
 *
 * A recorded stack begins inside the runtime (go_chan_recv and what it called) and ends beneath the
 * goroutine's entry function.  Both ends are the same in every stack and tell nothing. */
#include "stacks.h"
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

static size_t all_frames(struct tr_reader *r, uint32_t id, struct stack_frame *ret)
{
    size_t n, count = 0;
    const uint64_t *pcs = tr_reader_stack(r, id, &n);
    for (size_t i = 0; i < n; i++) {
        const struct tr_frame *f;
        size_t k = tr_reader_frames(r, pcs[i], true, &f);
        for (size_t j = 0; j < k && count < STACK_FRAMES_MAX; j++)
            ret[count++] = (struct stack_frame){f[j].function, f[j].file, f[j].line, pcs[i]};
    }
    return count;
}

static bool is_runtime(struct tr_reader *r, const struct stack_frame *f)
{
    return tr_reader_is_runtime(r, &(struct tr_frame){.function = f->function, .file = f->file});
}

size_t stack_frames(struct tr_reader *r, uint32_t id, struct stack_frame *ret)
{
    size_t n = all_frames(r, id, ret), inner = 0;
    while (inner < n && is_runtime(r, &ret[inner]))
        inner++;
    if (inner == n) { /* the runtime's own affair */
        return n;
    }
    while (is_runtime(r, &ret[n - 1]))
        n--;
    size_t skip = inner ? inner - 1 : 0;
    memmove(ret, ret + skip, (n - skip) * sizeof(*ret));
    return n - skip;
}

static char *place_text(struct tr_reader *r, uint32_t id)
{
    struct tr_frame f;
    if (!tr_reader_user_frame(r, id, &f))
        return cmd_strdup("");
    return f.file ? cmd_printf("%s %s:%d", f.function, f.file, f.line) : cmd_strdup(f.function);
}

const char *stack_place(struct stack_places *s, struct tr_reader *r, uint32_t id)
{
    size_t n;
    if (!tr_reader_stack(r, id, &n))
        return "";
    if (id >= s->cap) {
        size_t cap = s->cap ? s->cap : 64;
        while (cap <= id)
            cap *= 2;
        char **more = cmd_alloc(cap * sizeof(*more));
        memset(more, 0, cap * sizeof(*more));
        if (s->cap)
            memcpy(more, s->text, s->cap * sizeof(*more));
        free(s->text);
        s->text = more;
        s->cap = cap;
    }
    if (!s->text[id])
        s->text[id] = place_text(r, id);
    return s->text[id];
}

void stack_places_fini(struct stack_places *s)
{
    for (size_t i = 0; i < s->cap; i++)
        free(s->text[i]);
    free(s->text);
    memset(s, 0, sizeof(*s));
}
