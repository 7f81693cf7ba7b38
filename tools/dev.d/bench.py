#!/usr/bin/env python3
"""bench.py - ours beside the others', side by side in one run.

    bench.py --build DIR [--runs N] [--procs 1,2] [--quick] [OPERATION...]

Go and Boost.Fiber.  tests/bench/bench_go_ops.c, bench_ops.go and bench_fiber_ops.cpp do the same
operation N times and print what one costs:
    OPERATION ns_per_op [bytes_each]
The detector ("race" among the operations): see bench_race.py.

The programs of a run follow immediately one after the other, and who goes first alternates, so that
a machine that slows down slows all.  The table shows medians over the runs and the ratio ours /
theirs of these medians; the smallest and largest ratio of a run tell how far to trust it.  A goal
is followed by "ok" or "missed".  Everything measured goes to DIR/bench.json.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys

import bench_race

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, 'tests/bench')

# operation -> (how many times, ratio ours / Go to reach or None)
OPERATIONS = {
    'yield': (5_000_000, 0.15),
    'yield_one': (5_000_000, 0.15),
    'spawn': (1_000_000, 0.2),
    'spawn_batch': (2_000_000, None),
    'spawn_storm': (2_000_000, 0.3),
    'pingpong': (1_000_000, 0.25),
    'buffered': (5_000_000, 0.5),
    'mpmc': (5_000_000, 0.6),
    'chan_pair': (10_000_000, 0.5),
    'mutex': (20_000_000, 0.6),
    'mutex8': (5_000_000, 1.0),
    'rwmutex_read': (20_000_000, 0.8),
    'rwmutex_read8': (5_000_000, 0.8),
    'select': (1_000_000, 0.35),
    'select_default': (10_000_000, 1.0),
    'select2_default': (5_000_000, 1.0),
    'try_recv': (20_000_000, 1.0),
    'timer': (2_000_000, 0.4),
    'sleepers': (1_000_000, 0.5),
    'context': (1_000_000, 0.5),
    'skynet': (1_000_000, 0.2),
    'sieve': (2_000, 0.4),
    'fib': (20, 0.25),
    'select_heavy': (2_000_000, None),
    'parked': (1_000_000, 1.0),
    'timers': (10_000_000, None),
    'idle': (3_000, None),
    'latency': (2_000, 1.0),
}
# Not of the geometric mean: another kind of figure, or a second look at an operation that is in it.
APART = {'yield_one', 'spawn_batch', 'rwmutex_read8', 'select2_default', 'try_recv', 'select_heavy',
         'parked', 'timers', 'idle', 'latency'}
FIBER = ['yield', 'yield_one', 'spawn', 'spawn_batch', 'spawn_storm', 'pingpong', 'buffered',
         'mpmc', 'chan_pair', 'mutex', 'mutex8', 'sleepers', 'skynet', 'sieve', 'fib']
QUICK = {'sieve': 100, 'fib': 1, 'idle': 200, 'latency': 50, 'spawn_storm': 100_000,
         'select_heavy': 1_000_000}  # the others: a hundredth
RACE = 'race'  # the name of the detector's table
MEAN_GOAL = 0.3  # geometric mean of the ratios to Go
FIBER_GOAL = 0.5
BYTES_GOAL = {'parked': 4.6 * 1024}  # each
IDLE_GOAL = 0.5  # percent of a processor
WHO = ('ours', 'go', 'fiber')


def run(command, **more):
    """None, or why the command failed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    return f'cannot {" ".join(command)}:\n{done.stdout}{done.stderr}' if done.returncode else None


def build_go(program, folder):
    env = dict(os.environ, GO111MODULE='off', GOFLAGS='')
    env.setdefault('GOCACHE', os.path.join(os.path.abspath(folder), 'gocache'))
    return run(['go', 'build', '-o', program, 'bench_ops.go', 'bench_time.go'], env=env,
               cwd=SOURCES)


def build(folder):
    """{who: program}; without those whose language or library is not there."""
    out = os.path.join(os.path.abspath(folder), 'bench')
    os.makedirs(out, exist_ok=True)
    programs = {who: os.path.join(out, 'bench_' + who) for who in WHO}
    why = run([os.path.join(folder, 'tools/goshawk'), 'cc', '-O2', '-o', programs['ours'],
               os.path.join(SOURCES, 'bench_go_ops.c'), os.path.join(SOURCES, 'bench_go_time.c')])
    if why:
        raise SystemExit('bench: ' + why)
    if shutil.which('go') is None:
        print('bench: Go is not installed: its column stays empty')
        del programs['go']
    elif why := build_go(programs['go'], folder):
        raise SystemExit('bench: ' + why)
    if shutil.which('g++') is None or not os.path.exists('/usr/include/boost/fiber/all.hpp'):
        print('bench: Boost.Fiber is not installed: its column stays empty')
        del programs['fiber']
    elif newer(os.path.join(SOURCES, 'bench_fiber_ops.cpp'), programs['fiber']):
        why = run(['g++', '-O2', '-std=c++17', '-o', programs['fiber'],
                   os.path.join(SOURCES, 'bench_fiber_ops.cpp'), '-lboost_fiber', '-lboost_context',
                   '-lpthread'])
        if why:
            raise SystemExit('bench: ' + why)
    return programs


def newer(source, made):
    return not os.path.exists(made) or os.path.getmtime(source) > os.path.getmtime(made)


def measure(program, operation, count, procs):
    """(nanoseconds an operation, bytes each or None)"""
    env = dict(os.environ, GOMAXPROCS=str(procs))
    done = subprocess.run([program, operation, str(count)], capture_output=True, text=True, env=env,
                          timeout=600, check=False)
    out = done.stdout.split()
    if done.returncode or len(out) < 2 or out[0] != operation:
        raise SystemExit(f'bench: {program} {operation} {count} ended with {done.returncode}:\n'
                         f'{done.stdout}{done.stderr}')
    return float(out[1]), float(out[2]) if len(out) > 2 and float(out[2]) > 0 else None


def measure_runs(programs, operation, count, procs, runs):
    """[{who: ns, who_bytes: bytes}], one a run."""
    result = []
    who = [w for w in programs if w != 'fiber' or operation in FIBER]
    for i in range(runs):
        one = {}
        for w in who[::1 if i % 2 == 0 else -1]:
            one[w], one[w + '_bytes'] = measure(programs[w], operation, count, procs)
        result.append(one)
    return result


def median_of(runs, key):
    values = [r[key] for r in runs if r.get(key) is not None]
    return statistics.median(values) if values else None


def ratio_of(ours, theirs):
    return ours / theirs if ours is not None and theirs else None


def summarise(operation, procs, runs):
    row = {'operation': operation, 'procs': procs, 'goal': OPERATIONS[operation][1], 'runs': runs}
    for who in WHO:
        row[who] = median_of(runs, who)
        row[who + '_bytes'] = median_of(runs, who + '_bytes')
    for who in WHO[1:]:
        row[who + '_ratio'] = ratio_of(row['ours'], row[who])
        row[who + '_spread'] = [r['ours'] / r[who] for r in runs if r.get(who)]
    return row


def number(value, width, digits=1):
    return f'{"-":>{width}}' if value is None else f'{value:{width}.{digits}f}'


def spread(values):
    return f'{min(values):.2f}..{max(values):.2f}' if values else ''


def goal_mark(value, goal):
    """A goal and whether it is reached, or blanks."""
    if goal is None:
        return ''
    mark = '' if value is None else '  ok' if value <= goal else '  missed'
    return f'{goal:5.2f}{mark}'


HEADER = (f'{"operation":16}{"ours ns":>11}{"Go ns":>11}{"ratio":>7}  {"spread":14}{"goal":>5}'
          f'{"":9}{"Boost ns":>11}{"ratio":>7}  {"goal":>5}')


def print_row(row):
    name, digits = row['operation'], 3 if row['operation'] == 'idle' else 1
    go, fiber = row['go_ratio'], row['fiber_ratio']
    mark = goal_mark(go, row['goal'])
    if name == 'idle':
        name, mark = 'idle, %', goal_mark(row['ours'], IDLE_GOAL)
    if name == 'latency':
        name = 'latency p99'
    print((f'{name:16}{number(row["ours"], 11, digits)}{number(row["go"], 11, digits)}'
           f'{number(go, 7, 2)}  {spread(row["go_spread"]):14}{mark:14}'
           f'{number(row["fiber"], 11)}{number(fiber, 7, 2)}  '
           f'{goal_mark(fiber, FIBER_GOAL) if fiber else ""}').rstrip(), flush=True)
    if row['ours_bytes']:
        ours, theirs = row['ours_bytes'], row['go_bytes']
        goal = BYTES_GOAL.get(row['operation'])
        mark = '' if goal is None else f'{goal:.0f}' + ('  ok' if ours <= goal else '  missed')
        print((f'{"  bytes each":16}{number(ours, 11, 0)}{number(theirs, 11, 0)}'
               f'{number(ratio_of(ours, theirs), 7, 2)}  {"":14}{mark}').rstrip())


def print_mean(rows):
    for who, name, goal in (('go', 'Go', MEAN_GOAL), ('fiber', 'Boost.Fiber', FIBER_GOAL)):
        ratios = [r[who + '_ratio'] for r in rows if r['operation'] not in APART]
        ratios = [r for r in ratios if r]
        if ratios:
            mean = statistics.geometric_mean(ratios)
            print(f'geometric mean of {len(ratios)} ratios to {name}: {mean:.3f}'
                  f'  (goal {goal_mark(mean, goal).strip()})')


def bench_ops(programs, wanted, procs, options):
    print(f'\nGOMAXPROCS={procs}, medians of {options.runs}\n{HEADER}')
    rows = []
    for operation, (count, _) in OPERATIONS.items():
        if operation not in wanted:
            continue
        if options.quick:
            count = QUICK.get(operation, max(count // 100, 1000))
        runs = measure_runs(programs, operation, count, procs, options.runs)
        rows.append(summarise(operation, procs, runs))
        print_row(rows[-1])
    print_mean(rows)
    return rows


def parse():
    parser = argparse.ArgumentParser(description='ours beside Go and Boost.Fiber')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--procs', default='1,2', help='values of GOMAXPROCS, a table for each')
    parser.add_argument('--quick', action='store_true', help='a hundredth of the work, to try it')
    parser.add_argument('operations', nargs='*', metavar='OPERATION')
    options = parser.parse_args()
    unknown = set(options.operations) - set(OPERATIONS) - {RACE}
    if unknown:
        parser.error(f'there is no operation {", ".join(sorted(unknown))}; '
                     f'there are {", ".join([*OPERATIONS, RACE])}')
    return options


def main():
    options = parse()
    wanted = options.operations or [*OPERATIONS, RACE]
    rows, race_rows = [], []
    if set(wanted) != {RACE}:
        programs = build(options.build)
        for procs in options.procs.split(','):
            rows += bench_ops(programs, wanted, int(procs), options)
    if RACE in wanted:
        race_rows = bench_race.bench(options.build, options.runs, options.quick)
    path = os.path.join(options.build, 'bench.json')
    with open(path, 'w', encoding='utf-8') as f:
        json.dump({'machine': platform.platform(), 'cpus': os.cpu_count(), 'quick': options.quick,
                   'operations': rows, 'detector': race_rows}, f, indent=1)
    print(f'\nmedians of {options.runs} runs; all of it: {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
