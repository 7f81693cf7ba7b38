/* json.h - JSON values in memory: read, built and written.  Memory is given back all at once. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    bool boolean;
    const char *key;  /* in an object; NULL elsewhere */
    const char *text; /* of a string, and of a number as it was written */
    struct json *first, *last, *next;
};

/* The value that the n bytes at text are, or NULL with *ret_error set to what is wrong.  Nested at
 * most 64 deep.  Invalid UTF-8 is taken as it is. */
struct json *json_parse(const char *text, size_t n, const char **ret_error);

/* New values; strings are copied.  key may be NULL in an array.  They are appended to `in`, an
 * object or array, unless that is NULL. */
struct json *json_object(struct json *in, const char *key);
struct json *json_array(struct json *in, const char *key);
void json_string(struct json *in, const char *key, const char *s);
void json_number(struct json *in, const char *key, long long n);
void json_bool(struct json *in, const char *key, bool b);

void json_free(struct json *v);

/* The member of that name, or NULL; v may be NULL or no object. */
const struct json *json_get(const struct json *v, const char *key);

/* The member's string, or fallback; the member's number, or fallback. */
const char *json_text(const struct json *v, const char *key, const char *fallback);
long long json_int(const struct json *v, const char *key, long long fallback);
bool json_is(const struct json *v, const char *key); /* the member is true */

/* Writes v in one line, without a line feed; indent >= 0: in many lines, indented so far. */
void json_write(const struct json *v, FILE *out, int indent);

/* Runs over the members of an object, the elements of an array; in may be NULL. */
#define json_each(v, in) for (const struct json *v = (in) ? (in)->first : NULL; v; v = v->next)

#endif
