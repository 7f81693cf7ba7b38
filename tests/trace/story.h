/* story.h - a small trace that never changes, told through reader.h.
 *
 * The views are tested against it: the same spans, nanosecond for nanosecond, every time, with
 * everything that is hard to show.  "story.gtrace" (in any folder) is the story; other names are
 * errors.
 *
 *   two processors, one millisecond
 *   G1  main     creates the others, waits for them, ends last
 *   G2  worker   its name tries to break the page and the terminal; receives from chan#1
 *   G3  worker   locks mutex#2 (held by G2); a race is found on it at 400 us
 *   G4  ticker   sleeps; from 905 us on it runs and yields 190 times, more than one a pixel */
#ifndef STORY_H
#define STORY_H

#include "reader.h"

#define STORY_NAME   "w</script>\033[31m<!--"
#define STORY_END_NS 1000000

#endif
