/* reason.c - names of what goroutines wait for; part of both the recorder and the reader. */
#include "tr.h"

static const struct {
    const char *name, *kind;
} reasons[TR_REASONS] = {
    [TR_NONE] = {"", ""},
    [TR_CHAN_SEND] = {"chan send", "chan"},
    [TR_CHAN_RECV] = {"chan receive", "chan"},
    [TR_CHAN_NIL] = {"chan (nil)", ""},
    [TR_SELECT] = {"select", "chan"},
    [TR_SELECT_EMPTY] = {"select (no cases)", ""},
    [TR_MUTEX] = {"mutex lock", "mutex"},
    [TR_RWMUTEX_READ] = {"rwmutex rlock", "rwmutex"},
    [TR_RWMUTEX_WRITE] = {"rwmutex lock", "rwmutex"},
    [TR_WAITGROUP] = {"waitgroup wait", "waitgroup"},
    [TR_COND] = {"cond wait", "cond"},
    [TR_SEM] = {"sem acquire", "sem"},
    [TR_ONCE] = {"once", "once"},
    [TR_SLEEP] = {"sleep", ""},
    [TR_NET] = {"IO wait", "fd"},
    [TR_SYSCALL] = {"syscall", ""},
};

const char *tr_reason_name(enum tr_reason why)
{
    return (unsigned)why < TR_REASONS ? reasons[why].name : "?";
}

const char *tr_reason_kind(enum tr_reason why)
{
    return (unsigned)why < TR_REASONS ? reasons[why].kind : "";
}
