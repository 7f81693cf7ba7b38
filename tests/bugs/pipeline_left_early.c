/* pipeline_left_early.c - a stage returns at the first bad block, and those before it send on (a
 * pattern of syncthing).
 *
 * Files are walked, hashed and compared by stages joined by channels.  The last one returns when it
 * finds a difference; the other two are stopped for ever in the middle of a send.  The repair reads
 * what is left.
 *
 * shows: leak
 * when: always */
#include "../quiet.h"

enum { FILES = 10 };

typedef go_chan(int) int_chan;

static void walk(int_chan files)
{
    for (int i = 0; i < FILES; i++)
        go_chan_send(files, i);
    go_chan_close(files);
}

static void hash(int_chan files, int_chan hashes)
{
    go_chan_range(int, file, files)
        go_chan_send(hashes, file == 4 ? -1 : file * 7);
    go_chan_close(hashes);
}

static bool differs(int_chan hashes)
{
    int want = 0;
    go_chan_range(int, h, hashes) {
        if (h != want) {
#ifdef REPAIRED
            while (go_chan_recv_ok(hashes, NULL))
                ;
#endif
            return true;
        }
        want += 7;
    }
    return false;
}

int go_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    int_chan files = go_chan_make(int, 0), hashes = go_chan_make(int, 1);
    go(walk, files);
    go(hash, files, hashes);
    bool r = differs(hashes);
    wait_for_quiet();
    return !r;
}
