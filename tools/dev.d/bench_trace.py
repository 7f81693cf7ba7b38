#!/usr/bin/env python3
"""bench_trace.py - what recording costs, beside Go 1.19's runtime/trace in the same run.

    bench_trace.py --build DIR [--runs N] [--quick]

An event, beside the processor's counter that it reads; a hook while nothing is recorded, in
instructions (callgrind); then operations of tests/bench with and without a recording, ours and
Go's, interleaved: what the recording adds to each turn; programs of tests/bench, what it adds to
their time; and how fast the commands read a trace of millions of events, in how much memory, beside
Go's reader of the same events.  Medians over the runs.  A goal is followed by "ok" or "missed".
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, 'tests/bench')
OPERATIONS = {'pingpong': 200_000, 'buffered': 500_000, 'mutex8': 300_000, 'spawn': 100_000}
RATIO_GOAL = 1 / 20      # of what Go's recording adds to a turn of pingpong
EVENT_GOAL = 12 / 9      # an event beside a bare counter
BYTES_GOAL = 6.0
HOOK_GOAL = 3            # instructions

PROGRAMS = {'matrix': 500, 'sort': 60, 'pipeline': 100} # of trace_work.c: some 0.5 s each
ADDED_GOALS = {'recorded': 3, 'without stacks': 1} # % of a program's time

READ_TURNS = 600_000     # of pingpong, six events each
RATES = {'check': 5, 'stat': 5} # million events a second; the others:
RATE_GOAL = 3
MEMORY_GOAL = 100        # MB
EXPORTS = ('go', 'perfetto', 'chrome', 'ctf', 'pprof-block', 'folded', 'csv', 'json')


def run(command, **env):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, **env}, timeout=600)
    if done.returncode:
        raise SystemExit(f'bench: {" ".join(command)} ended with {done.returncode}:\n'
                         f'{done.stdout}{done.stderr}')
    return done.stdout + done.stderr


def verdict(ok):
    return 'ok' if ok else 'missed'


def events(program, runs):
    """Each line of bench_event, the median over the runs."""
    seen = {}
    for _ in range(runs):
        for line in run([program]).strip().split('\n'):
            name, value = re.match(r'(.*?)\s+([\d.]+)$', line).groups()
            seen.setdefault(name, []).append(float(value))
    return {name: statistics.median(values) for name, values in seen.items()}


def hook_instructions(program, folder):
    """Instructions that a hook adds to an empty turn of a loop, when nothing is recorded."""
    turns, counts = 1_000_000, {}
    for how in ('loop', 'off'):
        out = run(['valgrind', '--tool=callgrind', '--callgrind-out-file=' +
                   os.path.join(folder, how), program, '--' + how, str(turns)])
        counts[how] = int(re.search(r'Collected : (\d+)', out).group(1))
    return (counts['off'] - counts['loop']) / turns


def build_go(folder):
    program = os.path.join(folder, 'bench_go_traced')
    env = {'GO111MODULE': 'off', 'GOFLAGS': ''}
    if 'GOCACHE' not in os.environ:
        env['GOCACHE'] = os.path.join(folder, 'gocache')
    done = subprocess.run(['go', 'build', '-o', program, 'bench_ops.go', 'bench_time.go',
                           'bench_trace.go'], cwd=SOURCES, env={**os.environ, **env}, check=False)
    return program if done.returncode == 0 else None


def turns(ours, go, op, n, runs, folder):
    """{kind: ns a turn}, medians."""
    file = os.path.join(folder, 'trace')
    kinds = {
        'ours': (ours, {}),
        'ours, recorded': (ours, {'GOSHAWK_TRACE': file}),
        'ours, without stacks': (ours, {'GOSHAWK_TRACE': file, 'GOSHAWK_TRACE_STACKS': '0'}),
        'ours, flight': (ours, {'GOSHAWK_FLIGHT': '16M'}),
    }
    if go:
        kinds['go'] = (go, {})
        kinds['go, recorded'] = (go, {'BENCH_TRACE': file})
    seen = {kind: [] for kind in kinds}
    for i in range(runs):
        for kind in list(kinds)[::1 if i % 2 == 0 else -1]:
            program, env = kinds[kind]
            out = run([program, op, str(n)], GOMAXPROCS='1', **env).split()
            seen[kind].append(float(out[1]))
            if os.path.exists(file):
                os.unlink(file)
    return {kind: statistics.median(values) for kind, values in seen.items()}


def print_operations(ours, go, runs, quick, folder):
    print('\nwhat recording adds to a turn, ns, on one P; in brackets: of what Go\'s adds')
    print(f'{"":12}{"plain":>9}{"recorded":>18}{"without stacks":>18}{"flight":>18}'
          f'{"Go, plain":>11}{"Go, recorded":>14}')
    for op, n in OPERATIONS.items():
        t = turns(ours, go, op, n // (100 if quick else 1), runs, folder)
        theirs = t['go, recorded'] - t['go'] if go else None
        cells = []
        for kind in ('ours, recorded', 'ours, without stacks', 'ours, flight'):
            added = t[kind] - t['ours']
            share = f' ({added / theirs:.3f})' if theirs and theirs > 0 else ''
            cells.append(f'{added:+.0f}{share}')
        gos = f'{t["go"]:11.0f}{theirs:+14.0f}' if go else ''
        print(f'{op:12}{t["ours"]:9.0f}' + ''.join(f'{c:>18}' for c in cells) + gos)
        if op == 'pingpong' and theirs:
            share = (t['ours, recorded'] - t['ours']) / theirs
            print(f'{"":12}goal for "recorded": {RATIO_GOAL:.3f}  {verdict(share <= RATIO_GOAL)}')


def timed(command, out=None, **env):
    """Seconds of processor time, which other programs do not change much, and MB of a command."""
    with open(out or os.devnull, 'wb') as f, subprocess.Popen(
            command, stdout=f, env={**os.environ, **env}) as p:
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise SystemExit(f'bench: {" ".join(command)} ended with {p.returncode}')
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def print_programs(work, quick, runs, folder):
    """The column "plain again" is what the machine alone makes of the same program."""
    print('\nwhat recording adds to the processor time of programs, %')
    file = os.path.join(folder, 'trace')
    kinds = {'plain': {}, 'recorded': {'GOSHAWK_TRACE': file},
             'without stacks': {'GOSHAWK_TRACE': file, 'GOSHAWK_TRACE_STACKS': '0'},
             'plain again': {}}
    ratios = {kind: [] for kind in kinds if kind != 'plain'}
    for op, n in PROGRAMS.items():
        seen = {kind: [] for kind in kinds}
        for i in range(1 if quick else 2 * runs + 1):
            for kind in list(kinds)[::1 if i % 2 == 0 else -1]:
                seen[kind].append(timed([work, op, str(1 if quick else n)], **kinds[kind])[0])
                if os.path.exists(file): # or the next recording pays for removing it
                    os.unlink(file)
        t = {kind: statistics.median(list_) for kind, list_ in seen.items()}
        for kind, list_ in ratios.items():
            list_.append(t[kind] / t['plain'])
        print(f'{op:12}' + ''.join(f'{kind:>18} {100 * list_[-1] - 100:+6.1f}'
                                   for kind, list_ in ratios.items()))
    for kind, goal in ADDED_GOALS.items():
        added = 100 * statistics.geometric_mean(ratios[kind]) - 100
        print(f'geometric mean, {kind}: {added:+.1f}, goal {goal}  {verdict(added <= goal)}')


# ---- reading ----

def print_reading(goshawk, ours, has_go, runs, quick, folder):
    trace, go_file = os.path.join(folder, 'read.gtrace'), os.path.join(folder, 'read.go')
    run([ours, 'pingpong', str(READ_TURNS // (100 if quick else 1))], GOMAXPROCS='2',
        GOSHAWK_TRACE=trace)
    count = int(re.search(r': (\d+) events', run([goshawk, 'trace', 'check', trace])).group(1))
    print(f'\nreading {count} events, a second of processor time')
    print(f'{"":30}{"M events/s":>15}{"MB":>8}')
    commands = {name: ([goshawk, 'trace', name, trace], None) for name in RATES}
    commands['page'] = ([goshawk, 'trace', 'view', trace, '-o', trace + '.html'], None)
    for form in EXPORTS:
        to = os.path.join(folder, 'ctf') if form == 'ctf' else '-'
        commands['export ' + form] = ([goshawk, 'trace', 'export', '-f', form, trace, '-o', to],
                                      go_file if form == 'go' else None)
    if has_go:
        commands['Go: go tool trace'] = (['go', 'tool', 'trace', '-pprof=sched', go_file], None)
    for name, (command, out) in commands.items():
        seen = []
        for _ in range(1 if name.startswith('Go') else runs):
            shutil.rmtree(os.path.join(folder, 'ctf'), ignore_errors=True)
            seen.append(timed(command, out))
        rate = count / statistics.median(s for s, _ in seen) / 1e6
        memory = statistics.median(m for _, m in seen)
        goal = RATES.get(name, RATE_GOAL)
        judged = '' if name.startswith('Go') else (
            f'  goal {goal}  {verdict(rate >= goal)}, '
            f'{MEMORY_GOAL}  {verdict(memory <= MEMORY_GOAL)}')
        print(f'{name:30}{rate:15.2f}{memory:8.0f}{judged}')


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--build', required=True)
    p.add_argument('--runs', type=int, default=5)
    p.add_argument('--quick', action='store_true')
    a = p.parse_args()
    event = os.path.join(a.build, 'tests/trace/bench_event')
    with tempfile.TemporaryDirectory(prefix='goshawk-bench-') as folder:
        e = events(event, 1 if a.quick else a.runs)
        print('\n'.join(f'{name:22}{value:8.2f}' for name, value in e.items()))
        ratio = e['event, ns'] / e['bare counter, ns']
        print(f'an event beside the counter: {ratio:.2f}, goal {EVENT_GOAL:.2f}  '
              f'{verdict(ratio <= EVENT_GOAL)};  bytes: goal {BYTES_GOAL}  '
              f'{verdict(e["bytes an event"] <= BYTES_GOAL)}')
        if shutil.which('valgrind'):
            hook = hook_instructions(event, folder)
            print(f'a hook when off: {hook:.1f} instructions, goal {HOOK_GOAL}  '
                  f'{verdict(round(hook, 2) <= HOOK_GOAL)}')
        ours = os.path.join(folder, 'bench_ours')
        run([os.path.join(a.build, 'tools/goshawk'), 'cc', '-O2', '-o', ours,
             os.path.join(SOURCES, 'bench_go_ops.c'), os.path.join(SOURCES, 'bench_go_time.c')])
        go = build_go(folder) if shutil.which('go') else None
        if not go:
            print('bench: Go is not installed: its columns stay empty')
        runs = 1 if a.quick else a.runs
        print_operations(ours, go, runs, a.quick, folder)
        work = os.path.join(folder, 'bench_work')
        run([os.path.join(a.build, 'tools/goshawk'), 'cc', '-O2', '-o', work,
             os.path.join(SOURCES, 'trace_work.c')])
        print_programs(work, a.quick, runs, folder)
        print_reading(os.path.join(a.build, 'tools/goshawk'), ours, go is not None, runs, a.quick,
                      folder)


main()
