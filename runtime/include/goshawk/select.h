/* goshawk/select.h - waiting for several channels at once.
 *
 *     int n;
 *     bool ok;
 *     switch (go_select(go_recv_case(c, &n), go_recv_case(d, &n, &ok), go_send_case(e, 3),
 *                       go_default)) {
 *     case 0: ...             the index of the case that ran, in the order written
 *     case GO_DEFAULT: ...
 *     }
 *
 * A case that is ready is chosen at random, fairly.  NULL channels are never ready; without cases
 * the call blocks for ever. */
#ifndef GOSHAWK_SELECT_H
#define GOSHAWK_SELECT_H

#include <goshawk/base.h>
#include <goshawk/chan.h>

GO_BEGIN_DECLS_

/* What go_select() returns when the default was taken. */
#define GO_DEFAULT (-1)

/* One case.  Made by the macros below, not by hand. */
typedef struct go_case {
    void *chan_;
    void *elem_; /* to send: NULL means inline_ */
    bool *ok_;
    uint32_t kind_;
    __attribute__((aligned(16))) unsigned char inline_[32];
} go_case;

/* go_select(cases...): waits until one of the cases can run, runs one of those that can, and
 * returns its index in the order written, or GO_DEFAULT.  Each case is go_recv_case(),
 * go_send_case() or, the last one, go_default; their operands are evaluated once, in order.  Panics
 * with "send on closed channel" when that case is chosen. */
#define go_select(...)                                                    \
    __extension__({                                                       \
        go_case go_cases_[] = {__VA_ARGS__};                              \
        go_select_(go_cases_, (int)(sizeof go_cases_ / sizeof(go_case))); \
    })

/* go_recv_case(c, p) or go_recv_case(c, p, ok): p is a T * or NULL, ok a bool *. */
#define go_recv_case(...)    GO_CAT_(GO_RECV_CASE_, GO_NARGS_(__VA_ARGS__))(__VA_ARGS__)
#define GO_RECV_CASE_2(c, p) GO_RECV_CASE_3(c, p, NULL)
#define GO_RECV_CASE_3(c, p, ok)                           \
    __extension__({                                        \
        __typeof__(c) go_c_ = (c);                         \
        go_chan_elem(go_c_) *go_p_ = (p);                  \
        GO_SELECT_(recv_case)((void *)go_c_, go_p_, (ok)); \
    })

/* go_send_case(c, v): sends v, converted to the element type.  Elements larger than 32 bytes must
 * stay where they are until the select: they live as long as the block in which the case is
 * written. */
#define go_send_case(c, ...) \
    GO_SELECT_(send_case)((void *)(c), (go_chan_elem(c)[1]){__VA_ARGS__}, sizeof(go_chan_elem(c)))

/* Taken when no other case is ready; must be the last one. */
#define go_default GO_SELECT_(default_case)()

/* go_select() for an array of n cases built at run time; go_default may be the last one.  Returns
 * the index of the case that ran or GO_DEFAULT; n = 0 blocks for ever.  Panics with "send on closed
 * channel" when that case is chosen. */
GO_API_ int go_select_n(go_case *cases, int n);

/* ---- not for programs ---- */

enum { GO_CASE_RECV_, GO_CASE_SEND_, GO_CASE_DEFAULT_ }; /* kind_ */

/* One case and a default, of which the compiler mostly knows that there is no more. */
GO_API_ int go_select_recv_(void *c, void *elem, bool *ok);
GO_API_ int go_select_send_(void *c, const void *elem);

GO_API_ go_case go_recv_case_(void *c, void *elem, bool *ok);
GO_API_ go_case go_send_case_(void *c, const void *elem, size_t size);
GO_API_ go_case go_default_case_(void);

#if defined(GO_RACE_OBJECT_) || defined(__cplusplus)
/* The detector must not take the making of a case for something that the program does. */
#define GO_SELECT_(name) go_##name##_
#define go_select_       go_select_n
#else
/* The same, expanded in place: of a select of one case and a default only a call remains. */
#define GO_SELECT_(name) go_##name##_here_
#define GO_HERE_         static inline __attribute__((always_inline, unused))

GO_HERE_ go_case go_recv_case_here_(void *c, void *elem, bool *ok)
{
    go_case r;
    r.chan_ = c;
    r.elem_ = elem;
    r.ok_ = ok;
    r.kind_ = GO_CASE_RECV_;
    return r;
}

GO_HERE_ go_case go_send_case_here_(void *c, const void *elem, size_t size)
{
    go_case r;
    r.chan_ = c;
    size_t here = size <= sizeof r.inline_ ? size : 0;
    r.elem_ = here == size ? NULL : (void *)elem;
    r.ok_ = NULL;
    r.kind_ = GO_CASE_SEND_;
    __builtin_memcpy(r.inline_, elem, here);
    return r;
}

GO_HERE_ go_case go_default_case_here_(void)
{
    go_case r;
    r.chan_ = NULL;
    r.kind_ = GO_CASE_DEFAULT_;
    return r;
}

GO_HERE_ int go_select_(go_case *cases, int n)
{
    if (n == 2 && cases[1].kind_ == GO_CASE_DEFAULT_) {
        go_case *k = &cases[0];
        if (k->kind_ == GO_CASE_RECV_)
            return go_select_recv_(k->chan_, k->elem_, k->ok_);
        if (k->kind_ == GO_CASE_SEND_)
            return go_select_send_(k->chan_, k->elem_ ? k->elem_ : k->inline_);
    }
    return go_select_n(cases, n);
}
#endif

GO_END_DECLS_

#endif
