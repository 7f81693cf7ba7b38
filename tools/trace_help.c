/* trace_help.c - see trace_help.h.  Each begins with the synopsis and an empty line. */
#include "trace_help.h"

const char trace_help_timeline[] =
    "goshawk trace timeline [options] FILE\n\n"
    "Lanes of processors and goroutines, then a table by entry function.\n"
    "  --by p|m|g|f    only processors, threads, goroutines (a lane each), or functions\n"
    "  --from, --to T  a window of time, such as --from 1.5ms --to 2ms\n"
    "  --filter QUERY  only what the query means (-q), such as 'g:worker* state:chan';\n"
    "                  goshawk help trace query has the language\n"
    "  --width N       columns (default: the terminal's, else 100)\n"
    "  --color WHEN    auto, always or never; NO_COLOR is honoured\n"
    "In a lane of a goroutine a cell shows how it spent that time; in one of a processor or\n"
    "thread, which entry function ran.  A file takes two passes; on a terminal a long one\n"
    "says how far it is.\n";

const char trace_help_stat[] =
    "goshawk trace stat [options] FILE\n\n"
    "Tables: goroutines by entry function, with the time in each state and how long they were\n"
    "runnable until they ran; a histogram of that; the objects waited for most; the longest\n"
    "waits and who ended them; what the processors did and when they did least; the critical\n"
    "path: going back from the end, what each step waited for.\n"
    "  --from, --to T  a window of time, such as --from 1.5ms --to 2ms\n"
    "  --filter QUERY  only what the query means (-q); goshawk help trace query\n"
    "  --window T      length of the windows in which processors were used least\n"
    "                  (default: a twentieth of the trace)\n"
    "  --top N         rows of each table (default 10)\n"
    "  --critical      the critical path of a large trace too: 32 bytes of temporary space for\n"
    "                  each state that a goroutine was in\n"
    "  --width N, --color WHEN  as for timeline\n";

const char trace_help_dump[] =
    "goshawk trace dump [options] FILE\n\n"
    "Columns: number, time, thread, processor, goroutine, event, and what it says.\n"
    "  --from, --to T  a window of time, such as --from 1.5ms --to 2ms\n"
    "  --filter QUERY  only what the query means (-q): events about such goroutines, objects\n"
    "                  or texts, and with state: or dur the events that end such a state;\n"
    "                  goshawk help trace query has the language\n";

const char trace_help_query[] =
    "goshawk trace query [options] FILE ['QUERY']\n\n"
    "Prints the spans that the query means, one a line: begin, length, goroutine, state, and\n"
    "what it waited for, where, and who ended that.  A + marks what the end of the trace cut.\n"
    "  --sort dur      the longest first\n"
    "  -n N            only the N longest (default with --sort: 20)\n"
    "  --from, --to T  a window of time, such as --from 1.5ms --to 2ms\n"
    "\n"
    "The query language, here, for --filter and on the page:\n"
    "  g:worker* state:chan dur>1ms     terms beside each other must all hold\n"
    "  state:chan or state:mutex        or; not and - negate; parentheses group\n"
    "\n"
    "  g:7  g:3..9  g:worker*  goroutines: by number, or by name or entry function\n"
    "  fn:NAME                 entry function\n"
    "  state:NAME,...          running, runnable, chan, mutex, select, net, syscall, sleep,\n"
    "                          other, or blocked for all kinds of waiting\n"
    "  why:\"chan receive\"      reason of the wait, as dump shows it\n"
    "  obj:chan#3  obj:0x7f10  what it waited for\n"
    "  at:NAME  at:pool.c:42   function, or file and line, that did it\n"
    "  by:NAME                 who ended the wait, or made it runnable; by:0 a timer or the\n"
    "                          scheduler\n"
    "  p:0  p:0..3  m:2        processor, thread; p:none without one; p>=2\n"
    "  dur>1ms  dur<=20us      how long it lasted: ns, us, ms, s\n"
    "  t>1.5s t<2s             when: a span lies wherever any part of it does\n"
    "  event:NAME  text:NAME   in dump and expect: kind of event; text or category of a log,\n"
    "                          name of a task or region\n"
    "  worker  \"any text\"      occurs in a name, reason, object or text\n"
    "In names * stands for any characters and ? for one; case does not count; a comma\n"
    "separates alternatives; : and = are the same, != is the contrary.\n"
    "A fault is told with its column; the exit code is 2.\n";

const char trace_help_expect[] =
    "goshawk trace expect [options] FILE 'EXPECTATION'...\n\n"
    "Exits with 0 when all hold, else with 1 after saying what happened instead, who and when,\n"
    "and drawing the timeline of that moment; with 2 for an expectation that is none.\n"
    "  no goroutine runnable longer than 5ms\n"
    "  no goroutine g:worker* blocked longer than 1s\n"
    "  at most 3 goroutines blocked on mutex#1\n"
    "  at least 2 g:worker running            at some time so many did at once\n"
    "  opened before closed                   what the program said: texts or categories of\n"
    "                                         logs, names of tasks and regions\n"
    "  first \"g:worker event:end\" before ... is a text; without quotes it is a query:\n"
    "  first g:worker event:end before last g:main event:go\n"
    "  no races\n"
    "STATE: running, runnable, chan, mutex, select, net, syscall, sleep, other, blocked.\n"
    "Before each of them, and in place of a text, a query may stand: goshawk help trace query.\n"
    "A before B: both occur, and every A comes before every B; first and last pick one.\n"
    "  --no-picture             only the lines\n"
    "  --width N, --color WHEN  of the picture, as for timeline\n"
    "Tests written in C ask the same with <goshawk/expect.h>.\n";

const char trace_help_race[] =
    "goshawk trace race [options] FILE [N]\n\n"
    "The story of race N of a trace that a program built with -race recorded: the two accesses,\n"
    "what both goroutines did before, what did order them and up to where, where the order is\n"
    "missing, what would have made it, and a picture.  Without N: the only race, or a list.\n"
    "Nothing notes the time of each access; the recording tells two moments between which the\n"
    "earlier one was made, shown as ( and ), or as ? where these are too close.\n"
    "  --report                 the detector's whole report too\n"
    "  --no-picture             only the text\n"
    "  --width N, --color WHEN  as for timeline\n"
    "Recorded are calls that had to wait, creations and ends; the detector's reasons, which the\n"
    "trace has too (GORACE=format=text), know the others.\n";

const char trace_help_diff[] =
    "goshawk trace diff [options] A B\n\n"
    "What changed from trace A to trace B: length, use of the processors, how long goroutines\n"
    "were runnable until they ran; then by entry function: goroutines, time in each state, and\n"
    "latency.  The largest changes come first; what changed by less than 1 % is left out.\n"
    "  --from, --to T  the same window of both\n"
    "  --filter QUERY  only what the query means (-q); goshawk help trace query\n"
    "  --top N         rows of each table (default 15)\n";

const char trace_help_serve[] =
    "goshawk trace serve [--port N] FILE\n\n"
    "Prints an address for a browser on this machine, and serves the page of the trace there\n"
    "until ctrl-C: for traces that are too large for one page.  The button in its corner loads\n"
    "the visible window again with every detail; ?from=1.5ms&to=2ms in the address does too.\n"
    "Only this machine can reach it (127.0.0.1), only with the random word in the address, and\n"
    "nothing is served but this trace.  Below the word: / the page, data its data alone, info\n"
    "the length and state of the trace as JSON.\n";

const char trace_help_export[] =
    "goshawk trace export -f FORMAT [options] FILE -o OUT\n\n"
    "  -f go             Go's own viewer, with its profiles: go tool trace OUT\n"
    "  -f perfetto       ui.perfetto.dev: a P is a CPU, a goroutine a thread\n"
    "  -f chrome         chrome://tracing and its like, for traces that are not large\n"
    "  -f ctf            babeltrace2, Trace Compass; OUT is a folder\n"
    "  -f pprof-sched    go tool pprof OUT: from runnable to running, by who made it runnable\n"
    "  -f pprof-block    all that goroutines waited for, with the reason as a tag\n"
    "  -f pprof-sync     of these channels, select, locks and the like; no I/O, sleep, syscalls\n"
    "  -f pprof-syscall  in system calls, and without a P\n"
    "  -f folded         all of their time by stack, for flame graphs; in nanoseconds\n"
    "  -f csv            one event a line, for spreadsheets and databases\n"
    "  -f json           one event a line, each a JSON object\n"
    "OUT may be - for the standard output.\n"
    "  --from, --to T    a window of time, such as --from 1.5ms --to 2ms\n"
    "  --filter QUERY    only what the query means (-q): in csv, json and ctf the events that\n"
    "                    dump shows, in pprof, folded and chrome the states that query shows;\n"
    "                    in go and perfetto, which follow each goroutine from state to state,\n"
    "                    the goroutines of which it means anything, whole;\n"
    "                    goshawk help trace query has the language\n";
