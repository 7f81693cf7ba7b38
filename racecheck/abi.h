/* abi.h - helpers of the files that export the compilers' interface. */
#ifndef RC_ABI_H
#define RC_ABI_H

#include "ctx.h"
#include "shadow.h"

#if defined(__GNUC__) && \
    !defined(__clang__) /* with -fsanitize gcc has its own idea of pointer types */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

#define EXPORT __attribute__((visibility("default")))
/* EXPORT for what is called at every access or function: it begins a line of the cache, which is up
 * to a sixth of its time, and has no frame of its own.  Its slow paths are tail calls, so that the
 * chain of frames is whole in them. */
#ifdef __clang__
#define EXPORT_HOT EXPORT __attribute__((aligned(64)))
#else
#define EXPORT_HOT EXPORT __attribute__((aligned(64), optimize("omit-frame-pointer")))
#endif

#define CALLER_PC ((uintptr_t)__builtin_return_address(0))

#endif
