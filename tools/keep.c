/* keep.c - a folder of programs, each in a sub-folder named by a hash of its bytes.
 *
 * ROOT/building-XXXXXX/NAME becomes ROOT/HASH/NAME by one rename(2), so that several goshawk run
 * at a time never see half a program; who comes second finds the name taken by the same bytes,
 * throws its own away and uses the other.  The modification time of ROOT/HASH is the last use. */
#include "keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"

enum { KEPT_DAYS = 30, DAY_S = 24 * 60 * 60 };

/* mkdir -p; path is changed and restored. */
static bool make_folders(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static char *find_root(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *root = NULL;
    if (cache && *cache == '/')
        root = cmd_printf("%s/goshawk/run", cache);
    else if (home && *home == '/')
        root = cmd_printf("%s/.cache/goshawk/run", home);
    if (root && make_folders(root) && access(root, W_OK) == 0)
        return root;
    free(root);
    return NULL;
}

/* Removes a folder that holds only files. */
static void remove_folder(int root, const char *name)
{
    int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            unlinkat(fd, e->d_name, 0);
    if (d)
        closedir(d);
    unlinkat(root, name, AT_REMOVEDIR);
}

static void remove_old(const char *root)
{
    DIR *d = opendir(root);
    time_t oldest = time(NULL) - (time_t)KEPT_DAYS * DAY_S;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] != '.' && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(st.st_mode) && st.st_mtime < oldest)
            remove_folder(dirfd(d), e->d_name);
    }
    if (d)
        closedir(d);
}

char *keep_make_folder(void)
{
    char *root = find_root();
    if (!root)
        return NULL;
    remove_old(root);
    char *folder = cmd_printf("%s/building-XXXXXX", root);
    free(root);
    if (mkdtemp(folder))
        return folder;
    free(folder);
    return NULL;
}

/* FNV-1a of the file's bytes; 0 when it cannot be read. */
static uint64_t hash_file(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    uint64_t hash = 0xcbf29ce484222325u;
    unsigned char buf[1 << 14];
    for (size_t n; (n = fread(buf, 1, sizeof(buf), f)) > 0;)
        for (size_t i = 0; i < n; i++)
            hash = (hash ^ buf[i]) * 0x100000001b3u;
    bool failed = ferror(f);
    fclose(f);
    return failed ? 0 : hash;
}

char *keep_program(char *folder, const char *name)
{
    char *built = cmd_printf("%s/%s", folder, name);
    uint64_t hash = hash_file(built);
    char *kept = cmd_printf("%.*s/%016" PRIx64, (int)(strrchr(folder, '/') - folder), folder, hash);
    bool moved = hash && rename(folder, kept) == 0;
    char *program = cmd_printf("%s/%s", kept, name);
    bool is_there = hash && access(program, X_OK) == 0;
    if (is_there) {
        if (!moved)
            remove_folder(AT_FDCWD, folder);
        utimensat(AT_FDCWD, kept, NULL, 0);
        free(built);
    } else {
        free(program);
        program = built;
    }
    free(kept);
    return program;
}
