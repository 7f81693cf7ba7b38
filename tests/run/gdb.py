#!/usr/bin/env python3
"""Looks at goroutines with gdb: in a live program, in its core, and without debug information.

    gdb.py PROGRAM SCRIPT

SCRIPT is tools/gdb/goshawk-gdb.py; PROGRAM carries it too.  Exits with 77 where gdb is missing or
may not trace processes.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

LISTS = [[
    r'^\* 1 +running +thread \d+ +go_main$',
    r'^  2 +chan receive +0x[0-9a-f]+ +reader "reader"$',
    r'^  3 +sync\.Mutex\.Lock, locked to thread +0x[0-9a-f]+ +locker$',
], [
    r'^  \d+ +running +thread \d+ +computer$',
], [
    r'^  \d+ +runnable +never_begun$',
]]
PARKED = [
    r'^#0  0x[0-9a-f]+ in (.*\n#[12] +){0,2}(0x[0-9a-f]+ in )?go_chan_recv_into \(',
    r'^#\d+ +0x[0-9a-f]+ in reader \(',
    r'^#\d+ +0x[0-9a-f]+ in (_goshawk_)?switch_entry \(',
]
SOURCE = r'^#\d+ +0x[0-9a-f]+ in reader \(c=.*, number=.*\) at .*gdb_program\.c:\d+$'
EVERY = [[r'^goroutine 1 \[running\]:$', r'^goroutine 2 \[chan receive\] "reader":$',
          r'^#\d+ .*\blocker \('],
         [r'^#0 .*computer \('],
         [r'^#0  never_begun \(\) has not begun$']]

failures = 0


def gdb(args, commands):
    argv = ['gdb', '-q', '-nx', '-batch', '-iex', 'set auto-load safe-path /',
            '-iex', 'set debuginfod enabled off', '-iex', 'set style enabled off',
            '-iex', 'set width 0']
    for c in commands:
        argv += ['-ex', c]
    p = subprocess.run(argv + args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       errors='replace', stdin=subprocess.DEVNULL, timeout=100)
    if 'A problem internal to GDB' in p.stdout:  # gdb 13: "wait returned unexpected status 0x0"
        print('SKIP: gdb itself has failed:\n' + p.stdout[-500:])
        sys.exit(77)
    return p.stdout


def part(out, name):
    """What was printed behind the line that names it."""
    return out.partition('== %s\n' % name)[2].partition('== ')[0]


def expect(what, text, patterns):
    """Each pattern fits some line of text, in this order."""
    global failures
    at = 0
    for p in patterns:
        m = re.compile(p, re.M).search(text, at)
        if not m:
            failures += 1
            print('FAIL %s: no line (in this place) fits %s\n%s' % (what, p, text))
            return
        at = m.end()


LOOK = ['echo == list\\n', 'info goroutines', 'echo == two\\n', 'goroutine 2 bt',
        'echo == default\\n', 'goroutine 2', 'echo == every\\n', 'goroutine all bt',
        'echo == argument\\n', 'goroutine 2 frame function reader',
        'echo == none\\n', 'goroutine 99', 'echo == after\\n', 'bt 1']


def make_core(program, folder):
    """The kernel's core of the program; None where cores go elsewhere."""
    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    subprocess.run([program, 'crash'], cwd=folder, preexec_fn=allow, stderr=subprocess.DEVNULL)
    cores = [f for f in os.listdir(folder) if f.startswith('core')]
    return os.path.join(folder, cores[0]) if cores else None


def look(what, out, has_source, first):
    for patterns in LISTS:
        expect(what + ' list', part(out, 'list'), patterns)
    for name in ('two', 'default'):
        expect(what + ' ' + name, part(out, name), PARKED + ['\\Z'])
    if has_source:
        expect(what + ' source', part(out, 'two'), [SOURCE])
        expect(what + ' argument', part(out, 'argument'), [r'reader \(c=.*gdb_program\.c:\d+$'])
    for patterns in EVERY:
        expect(what + ' every', part(out, 'every'), patterns)
    expect(what + ' none', part(out, 'none'), ['no goroutine 99'])
    expect(what + ' after', part(out, 'after'), [first])  # the thread and frame are as before


def main():
    program, script = os.path.abspath(sys.argv[1]), sys.argv[2]
    if not shutil.which('gdb'):
        print('SKIP: no gdb')
        return 77
    env_problem = gdb([program], ['break stop_here', 'run', 'echo == where\\n', 'bt 1'])
    if 'stop_here' not in part(env_problem, 'where'):
        print('SKIP: gdb cannot run programs here:\n' + env_problem)
        return 77
    with tempfile.TemporaryDirectory() as folder:
        bare, stop = os.path.join(folder, 'bare'), r'^#0 +(0x[0-9a-f]+ in )?stop_here \('
        # continue: what runs behind the looks must not be disturbed by them.  When the program
        # ends just as gdb looks at a new thread of it, gdb 13 loses it and says so.
        out = gdb([program], ['break stop_here', 'run'] + LOOK + ['continue'])
        look('live', out, True, stop)
        if 'Cannot find user-level thread for LWP' not in part(out, 'after'):
            expect('live', out, [r'exited normally'])
        core = make_core(program, folder)
        if core:
            look('core', gdb([program, core], LOOK), True, r'^#0 .*(kill|raise|syscall)')
        else:
            print('no core file here: only live programs were looked at')
        subprocess.run(['strip', '-g', '-o', bare, program], check=True)
        out = gdb([bare], ['source ' + script, 'break stop_here', 'run'] + LOOK)
        look('without debug information', out, False, stop)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
