#!/usr/bin/env python3
"""bench.py - ours beside the others', side by side in one run.

    bench.py --build DIR [--runs N] [--quick] [OPERATION...]

Go.  tests/bench/bench_go_ops.c and bench_ops.go do the same operation N times and print what one
costs:
    OPERATION ns_per_op [bytes_per_goroutine]
The detector ("race" among the operations).  tests/bench/race_access.c is compiled once, by clang
with -fsanitize=thread, and the object is linked with our detector and with clang's own; it prints
lines of the same kind.

Each pair of runs follows immediately one after the other, and who goes first alternates, so that a
machine that slows down slows both.  The table shows medians over the runs and the ratio ours / Go
of these medians; the smallest and largest ratio of a pair tell how far to trust it.  Everything
measured goes to DIR/bench.json.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# operation -> (how many times, ratio to reach or None)
OPERATIONS = {
    'spawn': (1_000_000, 0.4),
    'spawn_batch': (2_000_000, None),
    'yield': (5_000_000, 0.4),
    'pingpong': (1_000_000, 0.5),
    'buffered': (5_000_000, 1.0),
    'mutex': (20_000_000, 1.0),
    'mutex8': (5_000_000, None),
    'select': (1_000_000, 0.7),
    'skynet': (1_000_000, 0.5),
    'parked': (100_000, None),
}
RACE = 'race'  # the name of the detector's table
BYTES_MAX = 8192  # of a parked goroutine


def build(folder):
    """Returns the two programs; Go's is None where there is no Go."""
    out = os.path.join(folder, 'bench')
    os.makedirs(out, exist_ok=True)
    ours, go = os.path.join(out, 'bench_go_ops'), os.path.join(out, 'bench_ops_go')
    subprocess.run([os.path.join(folder, 'tools/goshawk'), 'cc', '-O2', '-o', ours,
                    os.path.join(ROOT, 'tests/bench/bench_go_ops.c')], check=True)
    if shutil.which('go') is None:
        return ours, None
    env = dict(os.environ, GO111MODULE='off', GOFLAGS='')
    env.setdefault('GOCACHE', os.path.join(os.path.abspath(folder), 'gocache'))
    subprocess.run(['go', 'build', '-o', go, os.path.join(ROOT, 'tests/bench/bench_ops.go')],
                   check=True, env=env)
    return ours, go


def measure(program, operation, count, procs):
    """(nanoseconds an operation, bytes a goroutine or None)"""
    env = dict(os.environ, GOMAXPROCS=str(procs))
    out = subprocess.run([program, operation, str(count)], capture_output=True, text=True, env=env,
                         timeout=300, check=True).stdout.split()
    return float(out[1]), float(out[2]) if len(out) > 2 and float(out[2]) > 0 else None


def measure_pairs(ours, go, operation, count, procs, runs):
    pairs = []
    for i in range(runs):
        pair = {}
        for who, program in (('ours', ours), ('go', go))[::1 if i % 2 == 0 else -1]:
            if program:
                pair[who], pair[who + '_bytes'] = measure(program, operation, count, procs)
        pairs.append(pair)
    return pairs


def build_race(folder):
    """The same object with our detector and with clang's, or None where clang has none."""
    out = os.path.join(folder, 'bench')
    names = {'ours': os.path.join(out, 'race_ours'), 'clang': os.path.join(out, 'race_clang')}
    source, obj = os.path.join(ROOT, 'tests/bench/race_access.c'), os.path.join(out, 'race.o')
    commands = [['clang', '-g', '-O2', '-fsanitize=thread', '-c', source, '-o', obj],
                ['clang', '-fsanitize=thread', obj, '-o', names['clang']],
                [os.path.join(folder, 'tools/goshawk'), 'cc', '-race', obj, '-o', names['ours']]]
    if shutil.which('clang') is None:
        return None
    for command in commands:
        if subprocess.run(command, capture_output=True, check=False).returncode:
            print(f'bench: cannot {" ".join(command)}')
            return None
    return names


def bench_race(folder, runs):
    """[row]; prints the table."""
    programs = build_race(folder)
    if programs is None:
        print('bench: the detector is not measured: it takes clang with its libtsan')
        return []
    samples = {}  # operation -> who -> [value]
    for i in range(runs):
        for who in ('ours', 'clang') if i % 2 == 0 else ('clang', 'ours'):
            out = subprocess.run([programs[who]], capture_output=True, text=True, timeout=300,
                                 check=True).stdout
            for line in out.splitlines():
                operation, value = line.split()[:2]
                samples.setdefault(operation, {}).setdefault(who, []).append(float(value))
    rows = []
    print(f'\n{"detector":34}{"ours":>10}{"clang":>10}{"ratio":>8}')
    for operation, values in samples.items():
        row = {'operation': operation, 'samples': values,
               'ours': statistics.median(values['ours']),
               'clang': statistics.median(values['clang'])}
        row['ratio'] = row['ours'] / row['clang'] if row['clang'] else None
        rows.append(row)
        print(f'{operation:34}{row["ours"]:10.2f}{row["clang"]:10.2f}{row["ratio"]:8.2f}')
    times = [r['ratio'] for r in rows if not r['operation'].startswith('rss')]
    print(f'{"geometric mean of the times":34}{"":20}{statistics.geometric_mean(times):8.2f}')
    return rows


def median_of(pairs, key):
    values = [p[key] for p in pairs if p.get(key) is not None]
    return statistics.median(values) if values else None


def summarise(operation, goal, pairs):
    row = {'operation': operation, 'goal': goal, 'pairs': pairs,
           'ours_ns': median_of(pairs, 'ours'), 'go_ns': median_of(pairs, 'go'),
           'ours_bytes': median_of(pairs, 'ours_bytes'), 'go_bytes': median_of(pairs, 'go_bytes')}
    if row['go_ns']:
        row['ratio'] = row['ours_ns'] / row['go_ns']
        ratios = [p['ours'] / p['go'] for p in pairs]
        row['ratio_min'], row['ratio_max'] = min(ratios), max(ratios)
    return row


HEADER = f'{"operation":14}{"ours ns":>10}{"Go ns":>10}{"ratio":>8}  {"spread":13}{"goal":>6}'


def print_row(row):
    go_ns = f'{row["go_ns"]:.1f}' if row['go_ns'] else '-'
    ratio = spread = goal = ''
    if 'ratio' in row:
        ratio, spread = f'{row["ratio"]:.2f}', f'{row["ratio_min"]:.2f}..{row["ratio_max"]:.2f}'
        if row['goal']:
            goal = f'{row["goal"]:.1f}' + ('' if row['ratio'] <= row['goal'] else '  above')
    text = f'{row["operation"]:14}{row["ours_ns"]:10.1f}{go_ns:>10}{ratio:>8}  {spread:13}{goal:>6}'
    print(text.rstrip(), flush=True)
    if row['ours_bytes']:
        above = '' if row['ours_bytes'] <= BYTES_MAX or row['operation'] != 'parked' else '  above'
        go_bytes = f'{row["go_bytes"]:.0f}' if row['go_bytes'] else '-'
        print(f'{"  bytes each":14}{row["ours_bytes"]:10.0f}{go_bytes:>10}{"":23}'
              f'{BYTES_MAX:6}{above}'.rstrip())


def main():
    parser = argparse.ArgumentParser(description='ours beside Go')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--procs', type=int, default=2)
    parser.add_argument('--quick', action='store_true', help='a hundredth of the work, to try it')
    parser.add_argument('operations', nargs='*', metavar='OPERATION')
    options = parser.parse_args()
    wanted = options.operations or [*OPERATIONS, RACE]
    unknown = set(wanted) - set(OPERATIONS) - {RACE}
    if unknown:
        print(f'bench: there is no operation {", ".join(sorted(unknown))}; '
              f'there are {", ".join([*OPERATIONS, RACE])}', file=sys.stderr)
        return 2

    ours, go = build(options.build)
    if not go:
        print('bench: Go is not installed; only our side is measured')
    rows, race_rows = [], []
    if set(wanted) != {RACE}:
        print(HEADER)
    for operation, (count, goal) in OPERATIONS.items():
        if operation not in wanted:
            continue
        count = max(count // 100, 1000) if options.quick else count
        pairs = measure_pairs(ours, go, operation, count, options.procs, options.runs)
        rows.append(summarise(operation, goal, pairs))
        print_row(rows[-1])
    if RACE in wanted:
        race_rows = bench_race(options.build, options.runs)
    path = os.path.join(options.build, 'bench.json')
    with open(path, 'w', encoding='utf-8') as f:
        json.dump({'machine': platform.platform(), 'cpus': os.cpu_count(), 'procs': options.procs,
                   'runs': options.runs, 'operations': rows,
                   'detector': race_rows}, f, indent=1)
    print(f'GOMAXPROCS={options.procs}, medians of {options.runs} paired runs; all of it: {path}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
