/* story.h - a race with all its words found, and the two ways to print it.
 *
 * report.c gathers; story_text.c and story_json.c print.  What one of them shows the other
 * shows. */
#ifndef RC_STORY_H
#define RC_STORY_H

#include "location.h"
#include "log.h"
#include "report.h"
#include "trail.h"

enum { STORY_LIVES_MAX = 64, STORY_WHY_MAX = 4, STORY_WHY_LEN = 640 };

struct story_access {
    const struct rc_access_info *info;
    struct trail trail;
};

struct story_life {
    const struct rc_life *life;
    bool finished; /* at the time of the report */
    struct trail created_at;
};

/* What two accesses are to each other. */
enum story_kind {
    STORY_RACE,
    STORY_USED_FREED,  /* the one before is a free, and ordered */
    STORY_FREED_TWICE, /* so are both */
};

struct story {
    enum story_kind kind;
    unsigned number;               /* 1 for the first race, or use after free, of this process */
    struct story_access access[2]; /* the one that was found now, the one before */
    struct location location;
    struct trail allocated_at; /* of a heap block, or a thing of the host's */
    size_t n_lives;
    struct story_life
        life[STORY_LIVES_MAX]; /* both flows and who created them; not the first ones */
    size_t n_why;
    char why[STORY_WHY_MAX][STORY_WHY_LEN]; /* sentences: why there is no order */
    const char *reproduce;                  /* or NULL */
    uint64_t fingerprint; /* of functions and files, without lines: it survives edits elsewhere */
};

/* "race", "heap-use-after-free", "double-free"; and the heading: "DATA RACE".  Two frees that are
 * not ordered are a race that is headed as what it comes to. */
const char *story_type(const struct story *s);
const char *story_title(const struct story *s);

/* Fills s->why; the accesses must be there. */
void story_why(struct story *s, const struct rc_order_info *o);

/* "'pool.mu'", "'m' of worker()", "'struct pool.mu' at 0x7f...", "at offset 8 of a heap block of 40
 * bytes", "0x7f...": an object that orders.  site: where it was used, or 0. */
void story_object_name(const void *obj, rc_site site, char *buf, size_t size);

/* What is known of the place of a lock, and of the block that it is in. */
struct location story_lock_location(const struct rc_held_lock *k);

/* Colours the headings of a report in text. */
void story_color(struct log_text *t);

void story_text(const struct story *s, struct log_text *out);
void story_json(const struct story *s, struct log_text *out);

/* ---- what is no race ---- */

enum { STORY_PARTS_MAX = 3 * RC_CIRCLE_MAX };

struct story_other {
    const char *type, *title; /* "mutex-misuse", "MUTEX MISUSE" */
    unsigned number;
    size_t n_parts;
    struct story_part {
        char title[400];
        struct trail trail;
    } part[STORY_PARTS_MAX];
    const char *reproduce; /* or NULL */
    uint64_t fingerprint;
};

/* Fill an empty story (zero bytes); story_other_free() makes it empty again. */
void story_circle(struct story_other *s, const struct rc_circle *circle);
void story_reread(struct story_other *s, const struct rc_reread *reread);
void story_misuse(struct story_other *s, const struct rc_misuse *misuse);
void story_thread_leak(struct story_other *s, const struct rc_flow_id *thread);
void story_blocked(struct story_other *s, const struct rc_blocked *b);
void story_other_free(struct story_other *s);

void story_other_text(const struct story_other *s, struct log_text *out);
void story_other_json(const struct story_other *s, struct log_text *out);

void story_text_trail(struct log_text *out, const struct trail *t);
void story_json_trail(struct log_text *out, const struct trail *t);

/* "goroutine 8 (worker)", "main goroutine", "thread T1", "main thread". */
void story_name(const struct rc_life *l, char *buf, size_t size);

/* The first flow of its kind (goroutine 1, thread 0): nobody asks where it was created. */
bool story_is_first(const struct rc_life *l);

#endif
