/* story_names.c - what queries ask of the reader, for the story; see story.h.  Weak: story.c may
 * come to know more. */
#include <stdio.h>
#include "story.h"

__attribute__((weak)) void tr_reader_obj_name(struct tr_reader *r, enum tr_reason why, uint64_t obj,
                                              char *buf, size_t cap)
{
    (void)r;
    snprintf(buf, cap, "%s#%llu", tr_reason_kind(why), (unsigned long long)obj);
}

__attribute__((weak)) const struct tr_g *tr_reader_g(const struct tr_reader *r, uint64_t id)
{
    (void)r;
    (void)id;
    return NULL;
}

__attribute__((weak)) bool tr_reader_user_frame(struct tr_reader *r, uint32_t stack,
                                                struct tr_frame *ret)
{
    (void)r;
    (void)stack;
    (void)ret;
    return false;
}

__attribute__((weak)) size_t tr_reader_ended(const struct tr_reader *r, const struct tr_span **ret)
{
    (void)r;
    (void)ret;
    return 0;
}

__attribute__((weak)) const char *tr_type_name(enum tr_type t)
{
    return t == TR_EV_RACE ? "race" : "procs";
}

__attribute__((weak)) const char *tr_class_name(enum tr_class c)
{
    static const char *const names[] = {"running", "runnable", "chan",  "mutex", "select",
                                        "net",     "syscall",  "sleep", "other"};
    return (unsigned)c < TR_CLASSES ? names[c] : "?";
}
