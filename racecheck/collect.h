/* collect.h - collections: what ended flows leave behind is given back.
 *
 * A flow that has ended can matter to the future only where a word of memory still records an
 * access of it: for reports, its life (name, creator, place of creation) must be known, and its
 * slot must not pass to somebody who did not wait for it.  A collection looks at all records and
 * gives back the lives that nothing refers to any more, and their slots to whoever comes.  So
 * memory is bounded by what the program's own memory can still tell apart, however many flows there
 * have been. */
#ifndef RC_COLLECT_H
#define RC_COLLECT_H

/* Collects when so many flows have begun, and so much time has passed since the last time, that its
 * price is small beside theirs; or when there are too many to wait.
 * Caller holds no lock of the engine. */
void collect_if_due(void);

/* Collects now; nothing when somebody else is just doing so, or a report is being made. */
void collect(void);

/* While held no life is given back: reports and fork() hold it. */
void collect_hold(void);
void collect_let_go(void);

#endif
