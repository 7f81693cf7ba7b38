/* goshawk/context.h - deadlines, cancellation and values that pass down a tree of calls.
 *
 * Every context but the background can be cancelled, those that carry a value too.  Who makes a
 * context frees it; a context must not be used after its free, its descendants may: they hold their
 * parents. */
#ifndef GOSHAWK_CONTEXT_H
#define GOSHAWK_CONTEXT_H

#include <goshawk/base.h>
#include <goshawk/chan.h>
#include <goshawk/time.h>

GO_BEGIN_DECLS_

/* A context; only pointers to it are handed around. */
typedef struct go_ctx go_ctx;

/* The root: never cancelled, no deadline, no values.  Need not be freed. */
GO_API_ go_ctx *go_ctx_background(void);
/* A child that ends with its parent, or by go_ctx_cancel(); then go_ctx_err() is -ECANCELED.  Freed
 * by go_ctx_free(). */
GO_API_ go_ctx *go_ctx_with_cancel(go_ctx *parent);
/* A child that ends with its parent, by go_ctx_cancel(), or by itself with -ETIMEDOUT: after d
 * nanoseconds, or at the time t of go_now()'s clock. */
GO_API_ go_ctx *go_ctx_with_timeout(go_ctx *parent, go_duration d);
GO_API_ go_ctx *go_ctx_with_deadline(go_ctx *parent, go_time t);
/* A child with a value for key (compared by address). */
GO_API_ go_ctx *go_ctx_with_value(go_ctx *parent, const void *key, void *value);

/* A channel that is closed when the context ends; NULL for the background context. */
GO_API_ go_chan(char) go_ctx_done(go_ctx *c);
/* 0 while it goes on, then -ECANCELED or -ETIMEDOUT. */
GO_API_ int go_ctx_err(go_ctx *c);
/* The nearest value for key, or NULL. */
GO_API_ void *go_ctx_value(go_ctx *c, const void *key);
/* Ends the context and its children.  Idempotent. */
GO_API_ void go_ctx_cancel(go_ctx *c);
/* Cancels and drops the caller's reference; children keep their parents alive. */
GO_API_ void go_ctx_free(go_ctx *c);

GO_END_DECLS_

#endif
