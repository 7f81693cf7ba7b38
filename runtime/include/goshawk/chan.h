/* goshawk/chan.h - channels: typed queues between goroutines.
 *
 *     go_chan(int) c = go_chan_make(int, 10);
 *     go_chan_send(c, 42);
 *     int v = go_chan_recv(c);
 *
 * go_chan(T) is a real type: variables, parameters, fields and elements may have it.  It is a
 * pointer to an array that is never touched; NULL is the nil channel, on which every operation
 * blocks for ever.  Channels may also be used from threads that are not goroutines; those block. */
#ifndef GOSHAWK_CHAN_H
#define GOSHAWK_CHAN_H

#include <goshawk/base.h>

GO_BEGIN_DECLS_

#define GO_CHAN_TAG_ 7919

/* The type of a channel whose elements are of type T, which may be of any size. */
#define go_chan(T) __typeof__(__typeof__(T)(*)[GO_CHAN_TAG_])
/* The type of the elements of channel c, which is not evaluated. */
#define go_chan_elem(c) __typeof__(**(c))

/* Makes a channel for elements of type T that holds cap of them; 0: a send waits for its receiver.
 * Ends the program when memory is short. */
#define go_chan_make(T, cap) ((go_chan(T))go_chan_new(sizeof(T), (cap)))

/* go_chan_send(c, v): sends v, converted to the element type; blocks while the channel is full.
 * Panics with "send on closed channel". */
#define go_chan_send(c, ...) \
    GO_CHAN_SEND_(go_chan_send, GO_CAT_(go_c_, __COUNTER__), c, __VA_ARGS__)

/* Receives; the zero value once the channel is closed and drained. */
#define go_chan_recv(c) GO_CHAN_RECV_(c, GO_CAT_(go_c_, __COUNTER__))

/* Receives into *p (a T *, NULL drops the value).  False once closed and drained; *p is zero
 * then. */
#define go_chan_recv_ok(c, p) GO_CHAN_INTO_(go_chan_recv_into, c, p, GO_CAT_(go_c_, __COUNTER__))

/* go_chan_try_send(c, v): sends if that needs no waiting; true when it did. */
#define go_chan_try_send(c, ...) \
    GO_CHAN_SEND_(go_chan_try_send, GO_CAT_(go_c_, __COUNTER__), c, __VA_ARGS__)

/* Receives if that needs no waiting; true when a value was taken (*p is untouched otherwise, but
 * zero when the channel is closed and drained). */
#define go_chan_try_recv(c, p) \
    GO_CHAN_INTO_(go_chan_try_recv_into, c, p, GO_CAT_(go_c_, __COUNTER__))

/* for v := range c: runs the statement for each value until c is closed and drained. */
#define go_chan_range(T, v, c) GO_CHAN_RANGE_(T, v, c, GO_CAT_(go_c_, __COUNTER__))

/* t: a fresh name, so that one use may stand inside another; v is __VA_ARGS__ because a compound
 * literal may hold commas. */
#if defined(GO_RACE_OBJECT_) && !defined(__cplusplus)
/* A value of up to 8 bytes goes by value: a variable whose address a function gets is memory of the
 * program's to compilers and to the detector. */
#define GO_CHAN_SEND_(fn, t, c, ...)                                \
    __extension__({                                                 \
        __typeof__(c) t = (c);                                      \
        GO_CHAN_WORD_(t) GO_CAT_(t, v_) = {.elem_ = (__VA_ARGS__)}; \
        sizeof GO_CAT_(t, v_).elem_ <= sizeof(uint64_t)             \
            ? GO_CAT_(fn, _word_)((void *)t, GO_CAT_(t, v_).word_)  \
            : GO_CAT_(fn, _from)((void *)t, &GO_CAT_(t, v_).elem_); \
    })
#define GO_CHAN_RECV_(c, t)                                              \
    __extension__({                                                      \
        __typeof__(c) t = (c);                                           \
        GO_CHAN_WORD_(t) GO_CAT_(t, v_);                                 \
        if (sizeof GO_CAT_(t, v_).elem_ <= sizeof(uint64_t))             \
            GO_CAT_(t, v_).word_ = go_chan_recv_word_((void *)t);        \
        else                                                             \
            go_chan_recv_into((void *)t, (void *)&GO_CAT_(t, v_).elem_); \
        GO_CAT_(t, v_).elem_;                                            \
    })
#define GO_CHAN_WORD_(c)       \
    union {                    \
        go_chan_elem(c) elem_; \
        uint64_t word_;        \
    }
#else
#define GO_CHAN_SEND_(fn, t, c, ...)                    \
    __extension__({                                     \
        __typeof__(c) t = (c);                          \
        go_chan_elem(t) GO_CAT_(t, v_) = (__VA_ARGS__); \
        GO_CAT_(fn, _from)((void *)t, &GO_CAT_(t, v_)); \
    })
#define GO_CHAN_RECV_(c, t)                            \
    __extension__({                                    \
        __typeof__(c) t = (c);                         \
        go_chan_elem(t) GO_CAT_(t, v_);                \
        go_chan_recv_into((void *)t, &GO_CAT_(t, v_)); \
        GO_CAT_(t, v_);                                \
    })
#endif
#define GO_CHAN_INTO_(fn, c, p, t)              \
    __extension__({                             \
        __typeof__(c) t = (c);                  \
        go_chan_elem(t) * GO_CAT_(t, p_) = (p); \
        fn((void *)t, GO_CAT_(t, p_));          \
    })
#define GO_CHAN_RANGE_(T, v, c, t)                                                           \
    for (__typeof__(c) t = (c), *GO_CAT_(t, p_) = &t; GO_CAT_(t, p_); GO_CAT_(t, p_) = NULL) \
        for (__typeof__(T) v; go_chan_recv_ok(*GO_CAT_(t, p_), &v);)

/* ---- functions ---- c: a channel of any type */

/* go_chan_make() without types: a channel for cap elements of elem_size bytes, which may be 0.
 * Ends the program when memory is short. */
GO_API_ void *go_chan_new(size_t elem_size, size_t cap);

/* go_chan_send() without types: sends a copy of the element at elem; elem may be used again when
 * the call returns.  Panics with "send on closed channel". */
GO_API_ void go_chan_send_from(void *c, const void *elem);

/* go_chan_recv_ok() without types: receives into elem, which has room for an element or is NULL to
 * drop it.  False, and zero bytes in elem, once the channel is closed and drained. */
GO_API_ bool go_chan_recv_into(void *c, void *elem);

/* go_chan_try_send() without types: true when the element at elem could be sent at once.  False for
 * a NULL channel; panics with "send on closed channel". */
GO_API_ bool go_chan_try_send_from(void *c, const void *elem);

/* go_chan_try_recv() without types: true when an element was received into elem at once.  False for
 * a NULL channel; false, and zero bytes in elem, once the channel is closed and drained. */
GO_API_ bool go_chan_try_recv_into(void *c, void *elem);

/* Nobody will send any more: receivers get what is queued, then zero values.  Panics with "close of
 * closed channel" or "close of nil channel". */
GO_API_ void go_chan_close(void *c);

/* Number of queued elements, and how many fit; 0 for NULL.  They order nothing. */
GO_API_ size_t go_chan_len(void *c);
GO_API_ size_t go_chan_cap(void *c);

/* Frees the channel; nobody will use it any more.  NULL is fine. */
GO_API_ void go_chan_free(void *c);

/* ---- not for programs ---- the element is the first bytes of the word */

GO_API_ void go_chan_send_word_(void *c, uint64_t word);
GO_API_ bool go_chan_try_send_word_(void *c, uint64_t word);
GO_API_ uint64_t go_chan_recv_word_(void *c);

GO_END_DECLS_

#endif
