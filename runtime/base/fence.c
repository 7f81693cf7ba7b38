/* fence.c - see fence.h. */
#include "fence.h"
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<linux/membarrier.h>)
#include <linux/membarrier.h>
#else /* a libc that comes without the kernel's headers */
#define MEMBARRIER_CMD_PRIVATE_EXPEDITED          8
#define MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED 16
#endif

bool rt_fence_needed = true;

void rt_fence_init(void)
{
    int saved = errno;
    rt_fence_needed = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
    errno = saved;
}

void rt_fence_all(void)
{
    at_fence_sc(); /* [fence-all] */
    if (!rt_fence_needed)
        rt_check(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0);
}
