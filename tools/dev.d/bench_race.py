"""bench_race.py - the detector beside libtsan and `go build -race`; a part of bench.py.

tests/bench/race_access.c and race_work.c are compiled once, by clang with -fsanitize=thread, and
the objects are linked with our detector, with clang's own (v3) and with gcc's (v2).  Each
operation is a process of its own; the three follow one after the other, and who goes first
changes from run to run.  bench_go_ops.c under our detector and bench_ops.go built by
`go build -race` do the operations on goroutines.

The table shows medians over the runs and the ratios ours / theirs of the runs' pairs.
"""
import os
import shutil
import statistics
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = os.path.join(ROOT, 'tests/bench')
LINE_GOAL, MEAN_GOAL, GO_GOAL = 1.3, 0.8, 0.5

# Not of the geometric mean: looks at single paths of the detector, not goals of the project.
APART = {'call_two_alternating', 'mutex_and_two_fields', 'write_512K_new_epoch',
         'read_after_write_512K', 'struct_fields_new_epoch', 'memcpy_4K_new_epoch',
         'read_by_two_threads_512K', 'malloc_free_100', 'malloc_free_100K'}
# Operations on goroutines -> how many times; spawn_batch waits for what it starts.
GO_OPERATIONS = {'spawn_batch': 200_000, 'pingpong': 200_000, 'buffered': 500_000,
                 'mutex': 1_000_000, 'select': 100_000, 'skynet': 100_000}


def succeeds(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        print(f'bench: cannot {" ".join(command)}: {(done.stderr.splitlines() or [""])[0]}')
    return done.returncode == 0


def build(folder, out):
    """{who: program} of those that could be built; empty without clang."""
    programs, objects = {}, []
    if shutil.which('clang') is None:
        return programs
    for name in ('race_access', 'race_work'):
        objects.append(os.path.join(out, name + '.o'))
        if not succeeds(['clang', '-g', '-O2', '-fsanitize=thread', '-fno-builtin-memcpy',
                         '-fno-builtin-memset', '-c', os.path.join(SOURCES, name + '.c'),
                         '-o', objects[-1]]):
            return programs
    for who, command in (('ours', [os.path.join(folder, 'tools/goshawk'), 'cc', '-race']),
                         ('v3', ['clang', '-fsanitize=thread']),
                         ('v2', ['gcc', '-fsanitize=thread'])):
        program = os.path.join(out, 'race_' + who)
        if shutil.which(command[0]) and succeeds([*command, *objects, '-o', program]):
            programs[who] = program
    return programs


def build_go(folder, out):
    """{'ours': program, 'go': program} or {}."""
    programs = {'ours': os.path.join(out, 'race_go_ours'), 'go': os.path.join(out, 'race_go')}
    env = dict(os.environ, GO111MODULE='off', GOFLAGS='', CGO_ENABLED='1')
    env.setdefault('GOCACHE', os.path.join(out, '../gocache'))
    if shutil.which('go') is None:
        return {}
    made = succeeds(['go', 'build', '-race', '-o', programs['go'], 'bench_ops.go',
                     'bench_time.go'], env=env, cwd=SOURCES)
    made = made and succeeds([os.path.join(folder, 'tools/goshawk'), 'cc', '-race', '-O2', '-o',
                              programs['ours'], os.path.join(SOURCES, 'bench_go_ops.c'),
                              os.path.join(SOURCES, 'bench_go_time.c')])
    return programs if made else {}


def measure(command, **env):
    """[time, a second figure]"""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False,
                          env=dict(os.environ, GORACE='atexit_sleep_ms=0', **env))
    out = done.stdout.split()
    if done.returncode or len(out) < 2:
        raise SystemExit(f'bench: {" ".join(command)} ended with {done.returncode}:\n'
                         f'{done.stdout}{done.stderr}')
    return [float(v) for v in out[1:3]]


def sample(programs, arguments, runs, **env):
    """{who: [figures of each run]}"""
    result = {who: [] for who in programs}
    for i in range(runs):
        for who in list(programs)[::1 if i % 2 == 0 else -1]:
            result[who].append(measure([programs[who], *arguments], **env))
    return result


def ratio(samples, other, column=0):
    """The median of the runs' ratios ours / other, or None."""
    pairs = zip(samples['ours'], samples.get(other, []))
    ratios = [o[column] / t[column] for o, t in pairs if len(t) > column and t[column]]
    return statistics.median(ratios) if ratios else None


def median(samples, who, column=0):
    return statistics.median(s[column] for s in samples[who]) if samples.get(who) else None


def cell(value, width, digits=2):
    return f'{"-":>{width}}' if value is None else f'{value:{width}.{digits}f}'


def mark(value, goal):
    return '' if value is None or goal is None else 'ok' if value <= goal else 'missed'


def bench_accesses(programs, runs, quick):
    names = subprocess.run([programs['ours'], '--list'], capture_output=True, text=True,
                           check=True).stdout.split()
    rows = []
    print(f'\n{"detector, ns an operation":26}{"ours":>11}{"clang v3":>11}{"gcc v2":>11}'
          f'{"/v3":>7}{"/v2":>7}  goal {LINE_GOAL}')
    for name in names[:3] if quick else names:
        s = sample(programs, [name], runs)
        row = {'operation': name, 'samples': s, 'v3': ratio(s, 'v3'), 'v2': ratio(s, 'v2'),
               'rss_v3': ratio(s, 'v3', 1)}
        rows.append(row)
        print(f'{name:26}{cell(median(s, "ours"), 11)}{cell(median(s, "v3"), 11)}'
              f'{cell(median(s, "v2"), 11)}{cell(row["v3"], 7)}{cell(row["v2"], 7)}  '
              f'{mark(row["v3"], None if name in APART else LINE_GOAL)}', flush=True)
        if name == 'sequential_write_64M':
            print(f'{"  peak RSS, MB":26}{cell(median(s, "ours", 1) / 1024, 11, 0)}'
                  f'{cell(median(s, "v3", 1) / 1024 if "v3" in s else None, 11, 0)}'
                  f'{cell(median(s, "v2", 1) / 1024 if "v2" in s else None, 11, 0)}'
                  f'{cell(row["rss_v3"], 7)}{"":9}{mark(row["rss_v3"], 1.0)}')
    for who in ('v3', 'v2'):
        ratios = [r[who] for r in rows if r[who] and r['operation'] not in APART]
        if ratios:
            mean = statistics.geometric_mean(ratios)
            print(f'geometric mean of {len(ratios)} ratios to {who}: {mean:.2f}'
                  + (f'  (goal {MEAN_GOAL}: {mark(mean, MEAN_GOAL)})' if who == 'v3' else ''))
    return rows


def bench_goroutines(programs, runs, quick):
    rows = []
    print(f'\n{"goroutines, ns":26}{"ours":>11}{"go -race":>11}{"ratio":>7}  goal {GO_GOAL}')
    for name, count in GO_OPERATIONS.items():
        s = sample(programs, [name, str(count // 100 if quick else count)], runs, GOMAXPROCS='2')
        row = {'operation': 'go ' + name, 'samples': s, 'go': ratio(s, 'go')}
        rows.append(row)
        print(f'{name:26}{cell(median(s, "ours"), 11)}{cell(median(s, "go"), 11)}'
              f'{cell(row["go"], 7)}  {mark(row["go"], GO_GOAL)}', flush=True)
    return rows


def bench(folder, runs, quick):
    """[row]; prints the tables."""
    out = os.path.join(os.path.abspath(folder), 'bench')
    os.makedirs(out, exist_ok=True)
    rows = []
    programs = build(folder, out)
    if 'ours' in programs:
        rows += bench_accesses(programs, runs, quick)
    else:
        print('bench: the detector is not measured: it takes clang')
    programs = build_go(folder, out)
    if programs:
        rows += bench_goroutines(programs, runs, quick)
    else:
        print('bench: no goroutines beside go build -race: Go or its cgo is not there')
    return rows
