/* goshawk/timer.h - timers and tickers on the monotonic clock. */
#ifndef GOSHAWK_TIMER_H
#define GOSHAWK_TIMER_H

#include <goshawk/base.h>
#include <goshawk/chan.h>
#include <goshawk/time.h>

GO_BEGIN_DECLS_

/* A timer; only pointers to it are handed around. */
typedef struct go_timer go_timer;
/* A ticker; only pointers to it are handed around. */
typedef struct go_ticker go_ticker;

/* A channel that gets the time after d.  go_chan_free() also cancels its timer. */
GO_API_ go_chan(go_time) go_after(go_duration d);

/* A timer whose channel gets the time after d. */
GO_API_ go_timer *go_timer_new(go_duration d);
/* A timer that calls fn(arg) in a goroutine of its own after d; its channel is NULL. */
GO_API_ go_timer *go_after_func(go_duration d, void (*fn)(void *), void *arg);
/* The timer's channel, with room for one time; it belongs to the timer. */
GO_API_ go_chan(go_time) go_timer_chan(go_timer *t);
/* Keeps the timer from firing.  True when this call stopped it, false when it had fired or been
 * stopped; what is already in the channel stays there. */
GO_API_ bool go_timer_stop(go_timer *t);
/* Lets the timer fire after d from now.  True when it had been active. */
GO_API_ bool go_timer_reset(go_timer *t, go_duration d);
/* Stops and frees; the channel goes with it.  NULL is fine. */
GO_API_ void go_timer_free(go_timer *t);

/* A ticker whose channel gets the time every d; ticks are dropped for slow receivers.  Panics when
 * d <= 0. */
GO_API_ go_ticker *go_ticker_new(go_duration d);
/* The ticker's channel, with room for one time; it belongs to the ticker. */
GO_API_ go_chan(go_time) go_ticker_chan(go_ticker *t);
/* Lets it tick every d from now on; also a stopped one.  Panics when d <= 0. */
GO_API_ void go_ticker_reset(go_ticker *t, go_duration d);
/* No more ticks; the channel stays open, and a tick that is in it stays there. */
GO_API_ void go_ticker_stop(go_ticker *t);
/* Stops and frees; the channel goes with it.  NULL is fine. */
GO_API_ void go_ticker_free(go_ticker *t);

GO_END_DECLS_

#endif
