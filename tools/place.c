/* place.c - finds the headers and libraries from the place of the executable itself.
 *
 * BUILD/tools/goshawk has BUILD/goshawk.tree above it, a file that names the folder of the headers
 * in the sources; the libraries are in BUILD.  Everywhere else the command was installed, and the
 * paths relative to its own folder, which the build passes as GOSHAWK_REL_*, still hold when the
 * whole installation is moved. */
#include "place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"

/* Folder of this executable, symbolic links resolved. */
static char *own_folder(void)
{
    static char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return cmd_strdup(".");
    exe[n] = 0;
    *strrchr(exe, '/') = 0;
    return exe;
}

/* folder/rel without "..", as far as it exists; rel itself when that is absolute. */
static const char *resolve(const char *folder, const char *rel)
{
    char *path = rel[0] == '/' ? cmd_strdup(rel) : cmd_printf("%s/%s", folder, rel);
    char *real = realpath(path, NULL);
    if (!real)
        return path;
    free(path);
    return real;
}

/* The first line of BUILD/goshawk.tree, or NULL. */
static const char *headers_of_build_tree(const char *folder)
{
    char *path = cmd_printf("%s/../goshawk.tree", folder);
    FILE *f = fopen(path, "re");
    free(path);
    if (!f)
        return NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, f);
    fclose(f);
    if (n <= 0)
        return NULL;
    line[strcspn(line, "\n")] = 0;
    return line;
}

const struct place *place_get(void)
{
    static struct place place;
    if (place.include)
        return &place;
    const char *folder = own_folder();
    const char *headers = headers_of_build_tree(folder);
    place.build_tree = headers != NULL;
    place.include = headers ? headers : resolve(folder, GOSHAWK_REL_INCLUDE);
    place.lib = resolve(folder, headers ? ".." : GOSHAWK_REL_LIB);
    return &place;
}

char *place_find_program(const char *name)
{
    if (strchr(name, '/'))
        return access(name, X_OK) == 0 ? cmd_strdup(name) : NULL;
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    while (*path) {
        size_t n = strcspn(path, ":");
        char *full = cmd_printf("%.*s/%s", n ? (int)n : 1, n ? path : ".", name);
        if (access(full, X_OK) == 0)
            return full;
        free(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}
