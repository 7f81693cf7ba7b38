/* flight.h - the flight recorder's part in a program's life: when it writes, and where to. */
#ifndef RT_FLIGHT_H
#define RT_FLIGHT_H

/* Lets the recorder ask for goroutines, and begins the flight that GOSHAWK_FLIGHT asks for. */
void flight_init(void);

/* The program ends: the flight recorder keeps what it has.  Safe in signal handlers. */
void flight_freeze(void);

/* Ends a report: prints the last moments and writes the snapshot.  Does nothing when no flight is
 * recorded.  Must run on a big stack. */
void flight_report(const char *why);

/* A race has been reported: the first few are written. */
void flight_on_race(void);

/* Writes a snapshot while the program goes on, and says so on stderr.  Likewise. */
void flight_snapshot(const char *why);

#endif
