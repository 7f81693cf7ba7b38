/* args.h - an argument vector that grows.  Zero bytes are an empty one. */
#ifndef ARGS_H
#define ARGS_H

struct args {
    char **v; /* v[n] is NULL when n > 0 */
    int n, cap;
};

/* Appends s itself (args_add) or all of list up to its NULL (args_add_all).  Strings are
 * borrowed. */
void args_add(struct args *a, const char *s);
void args_add_all(struct args *a, const char *const *list);
void args_fini(struct args *a);

/* Reads the file of a response argument "@path" the way gcc does (white space separates, quotes and
 * backslash protect) and appends its arguments.  Returns 0, or -errno and appends nothing. */
int args_add_response_file(struct args *a, const char *path);

#endif
