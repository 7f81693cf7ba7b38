/* task.h - threads as the kernel sees them. */
#ifndef RT_TASK_H
#define RT_TASK_H

#include <stdbool.h>

/* The kernel says that the thread waits for something; unknown counts as running.  One thread at a
 * time calls this. */
bool task_sleeps(int tid);

#endif
