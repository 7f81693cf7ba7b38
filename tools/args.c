/* args.c - argument vectors, and the response files that compilers read as @path.
 *
 * A command lives for one invocation: strings that response files give are never freed. */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

void args_add(struct args *a, const char *s)
{
    if (a->n + 2 > a->cap) {
        int cap = a->cap ? 2 * a->cap : 32;
        char **v = cmd_alloc(sizeof(*v) * (size_t)cap);
        if (a->n)
            memcpy(v, a->v, sizeof(*v) * (size_t)a->n);
        free(a->v);
        a->v = v;
        a->cap = cap;
    }
    a->v[a->n++] = (char *)s;
    a->v[a->n] = NULL;
}

void args_add_all(struct args *a, const char *const *list)
{
    for (; *list; list++)
        args_add(a, *list);
}

void args_fini(struct args *a)
{
    free(a->v);
    *a = (struct args){0};
}

/* Cuts the next argument out of *text, in place.  Returns NULL at the end. */
static char *next_word(char **text)
{
    char *in = *text;
    while (isspace((unsigned char)*in))
        in++;
    if (!*in)
        return NULL;

    char *word = in, *out = in, quote = 0;
    bool ended = false;
    while (*in && !ended) {
        char c = *in++;
        if (c == '\\' && *in)
            *out++ = *in++;
        else if (quote ? c == quote : c == '"' || c == '\'')
            quote = quote ? 0 : c;
        else if (!quote && isspace((unsigned char)c))
            ended = true;
        else
            *out++ = c;
    }
    *out = 0;
    *text = in;
    return word;
}

int args_add_response_file(struct args *a, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    char *text = NULL;
    size_t cap = 0;
    ssize_t len = getdelim(&text, &cap, 0, f);
    int err = len < 0 && ferror(f) ? -errno : 0;
    fclose(f);
    if (len < 0) {
        free(text);
        return err;
    }
    for (char *word; (word = next_word(&text));)
        args_add(a, word);
    return 0;
}
