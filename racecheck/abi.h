/* abi.h - helpers of the files that export the compilers' interface. */
#ifndef RC_ABI_H
#define RC_ABI_H

#include "ctx.h"
#include "shadow.h"

#if defined(__GNUC__) && \
    !defined(__clang__) /* with -fsanitize gcc has its own idea of pointer types */
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
#endif

#define EXPORT    __attribute__((visibility("default")))
#define CALLER_PC ((uintptr_t)__builtin_return_address(0))

#endif
