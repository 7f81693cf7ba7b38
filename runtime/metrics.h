/* metrics.h - the scheduler's numbers at regular times. */
#ifndef RT_METRICS_H
#define RT_METRICS_H

/* Writes a line to stderr as Go's GODEBUG=schedtrace does. */
void metrics_schedtrace(void);

#endif
